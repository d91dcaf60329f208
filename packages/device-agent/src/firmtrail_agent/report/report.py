"""A report: what the sources say becomes a record, and what the server says of it becomes a result.

How the record gets there is in delivery.py and uploader.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from firmtrail import ComponentReading, ObservationRecord, to_json
from firmtrail_agent.config.settings import Settings
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import EXIT_CODES, Failure, Trouble
from firmtrail_agent.server.uploader import Uploader
from firmtrail_agent.sources import Reading, read_all
from firmtrail_agent.state.device import Device
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system.clock import Clocks
from firmtrail_agent.validation.redact import one_line

#: of one observation: with all that a request carries beside it, it is less than the 64 KiB that a server takes
_MAX_COMPONENTS = 256
_MAX_COMPONENTS_BYTES = 48 * 1024
_LONGEST_ERROR = 256
#: in the place of an error until it is known for how many bytes of it there is room
_NO_ERROR_YET = "?"
#: what the timer's unit counts as no failure
_IT_WAITS = {EXIT_CODES[Trouble.NOT_REACHABLE], EXIT_CODES[Trouble.TEMPORARY]}
_NO_ROOM = Failure(
    trouble=Trouble.REJECTED, message="a report has no room for it: let the sources speak of fewer components"
)


@attrs.frozen(kw_only=True)
class Result:
    """What became of one component. Without `outcome` and `failure` there was no version to send, or it waits."""

    reading: Reading
    #: what the server made of the report: `opened`, `extended` or `known`
    outcome: str | None = None
    failure: Failure | None = None

    @property
    def error(self) -> str | None:
        """Say what went wrong, at the source or on the way."""
        return self.failure.message if self.failure else self.reading.error


@attrs.frozen(kw_only=True)
class Report:
    """What became of one round that nothing follows: its process ends."""

    results: Sequence[Result]
    #: what was lost or put aside, in words
    losses: Sequence[str]
    #: what could not be sent is on no disk either
    is_kept: bool

    @property
    def exit_code(self) -> int:
        code = exit_code(self.results)
        return os.EX_CANTCREAT if not self.is_kept and code in _IT_WAITS else code


async def report_once(settings: Settings, device: Device, root: Path) -> Report:
    """Do one round and nothing else; what could not be sent waits on the disk for the next one."""
    readings, spool = read_all(settings.configuration.sources, root), device.observed.spool
    if record := record_of(readings, device.clocks):
        device.observed.add(record)
    delivery = await send_all(settings, device)
    results = results_of(readings, delivery)
    before = [words for words in delivery.refused if words not in {result.error for result in results}]
    return Report(
        results=results,
        losses=losses(spool, before),
        is_kept=not (spool.trouble and spool.in_memory),
    )


def losses(spool: Spool, refused: Sequence[str]) -> list[str]:
    """Tell of what no later round can tell."""
    said = [f"the server refuses a record, it is put aside: {words}" for words in refused]
    if spool.corrupt:
        said.append(f"{spool.corrupt} damaged records of the spool were put aside")
    if spool.dropped:
        said.append(f"there was no room for {spool.dropped} records")
    if spool.trouble:
        lost = f"{spool.in_memory} records that could not be sent are lost: " if spool.in_memory else ""
        said.append(f"{lost}{spool.trouble}")
    return said


async def send_all(settings: Settings, device: Device) -> Delivery:
    """Send what waits in the spool, once."""
    uploader = Uploader(settings, device)
    try:
        delivery = await uploader.send()
    finally:
        await uploader.close()
    if delivery.record:
        device.observed.reported(delivery.record)
    device.observed.spool.persist()
    return delivery


def record_of(readings: Sequence[Reading], clocks: Clocks) -> ObservationRecord | None:
    """Make a record of what was read just now; None: the device has no source at all."""
    present = [reading for reading in readings if not reading.is_absent]
    if not present:
        return None
    return ObservationRecord(first_observed=clocks.read(), components=_fitting(present))


def _fitting(readings: Sequence[Reading]) -> list[ComponentReading]:
    """Take what fits into one record: versions first, then components without one; their errors share what is left."""
    room, kept = _MAX_COMPONENTS_BYTES, dict[str, ComponentReading]()
    for reading in sorted(readings, key=lambda one: one.version is None):
        error = None if reading.version is not None else _NO_ERROR_YET
        component = ComponentReading(component=reading.component, version=reading.version, error=error)
        size = len(to_json(component)) + len(",")
        if size <= room and len(kept) < _MAX_COMPONENTS:
            room -= size
            kept[reading.component] = component
    failed = sum(component.error is not None for component in kept.values())
    share = room // max(failed, 1)
    return [
        kept[reading.component]
        if reading.version is not None
        else attrs.evolve(kept[reading.component], error=_shortened(reading.error, share))
        for reading in readings
        if reading.component in kept
    ]


def _shortened(error: str | None, most_bytes: int) -> str:
    text = one_line(error or _NO_ERROR_YET, _LONGEST_ERROR)
    while len(text) > 1 and len(to_json(text)) - len('""') > most_bytes:
        text = text[:-1]
    return text.strip() or _NO_ERROR_YET


def results_of(readings: Sequence[Reading], delivery: Delivery) -> list[Result]:
    """Say of each component that was read just now what became of it."""
    receipt, failure = delivery.receipt, delivery.failure
    if failure is None and receipt is None and delivery.refused:
        failure = Failure(trouble=Trouble.REJECTED, message=delivery.refused[-1])
    outcomes = {one.component: one.outcome for one in receipt.components} if receipt and not failure else {}
    return [
        Result(reading=reading)
        if reading.error
        else Result(
            reading=reading,
            outcome=outcomes.get(reading.component),
            failure=_NO_ROOM if outcomes and reading.component not in outcomes else failure,
        )
        for reading in readings
        if not reading.is_absent
    ]


def exit_code(results: Sequence[Result]) -> int:
    """Sum up a round in a code of sysexits.h; it is a success only if a version of every component was taken."""
    troubles = {result.failure.trouble for result in results if result.failure}
    for trouble in Trouble:
        if trouble in troubles:
            return EXIT_CODES[trouble]
    return os.EX_OK if results and not any(result.error for result in results) else os.EX_DATAERR
