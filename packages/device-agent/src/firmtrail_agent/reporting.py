"""A round: what the sources say becomes a record in the spool, and the spool goes to the server, oldest first."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail import ClockReading, ComponentReading, FirmtrailError, ObservationRecord, to_json
from firmtrail_agent.clients import open_client
from firmtrail_agent.clock import Clocks
from firmtrail_agent.configuration import Configuration
from firmtrail_agent.credentials import Credential
from firmtrail_agent.device import Device
from firmtrail_agent.failures import EXIT_CODES, Failure, Trouble, failure_of
from firmtrail_agent.sources import Reading, read_all
from firmtrail_agent.spool import Spool
from firmtrail_agent.texts import one_line

if TYPE_CHECKING:
    from firmtrail import AsyncClient, RecordReceipt

#: of one request: it must get through a slow network within its deadline
MAX_BATCH_RECORDS = 32
MAX_BATCH_BYTES = 32 * 1024
#: when the server refuses so many records in a row, each sent by itself, it is not about a record
MAX_REFUSED_IN_A_ROW = 3
_MAX_WAITING_READINGS = 32
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


@attrs.define(kw_only=True)
class Delivery:
    """How far the spool got to the server."""

    #: why it did not get further; None: the spool is empty
    failure: Failure | None = None
    #: the last record that was sent, unless it was refused, and its receipt
    record: ObservationRecord | None = None
    receipt: RecordReceipt | None = None
    #: records that the server refused, in its words
    refused: list[str] = attrs.field(factory=list[str])
    next_report_in_seconds: int | None = None
    resync: bool = False


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


async def report_once(configuration: Configuration, credential: Credential, device: Device, root: Path) -> Report:
    """Do one round and nothing else; what could not be sent waits on the disk for the next one."""
    readings, spool = read_all(configuration.sources, root), device.observed.spool
    if record := record_of(readings, device.clocks):
        device.observed.add(record)
    delivery = await send_all(configuration, credential, device)
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


async def send_all(configuration: Configuration, credential: Credential, device: Device) -> Delivery:
    """Send what waits in the spool, once: with the API key itself, since a token would be a second request."""
    delivery = await _send(configuration, credential, device)
    if delivery.failure and delivery.failure.refuses_the_key:
        from firmtrail_agent import enrollment  # noqa: PLC0415  needed once in a while

        if other := await enrollment.working_key(configuration, credential):
            delivery = await _send(configuration, other, device)
    if delivery.record:
        device.observed.reported(delivery.record)
    device.observed.spool.persist()
    return delivery


async def _send(configuration: Configuration, credential: Credential, device: Device) -> Delivery:
    async with open_client(configuration, credential.api_key, auth="basic") as client:
        return await deliver(client, configuration.device_id, device.observed.spool, device.clocks)


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


async def deliver(client: AsyncClient, device_id: uuid.UUID, spool: Spool, clocks: Clocks) -> Delivery:
    """Send all records of the spool. What the server refuses is put aside, and does not hold up the rest.

    1. A batch that is refused whole is halved until its bad record is alone. That is put aside, and the next one is
       sent by itself too: if the server takes it, the refusal was about the other one alone.
    2. A server that refuses one after the other does not speak of a record. Then they are kept, and put aside only when
       it takes one that comes after them. When it takes none of a few, that is a failure.
    """
    delivery, most, kept = Delivery(), MAX_BATCH_RECORDS, list[Failure]()
    while len(kept) < MAX_REFUSED_IN_A_ROW and (batch := _first_of(spool.records[len(kept) :], most)):
        sent, waiting = clocks.read(), ends_of_boots(spool.records[len(kept) + len(batch) :])
        try:
            answer = await client.firmware.report_batch(device_id, batch, sent=sent, waiting=waiting)
        except FirmtrailError as error:
            failure = failure_of(error)
            if failure.trouble is not Trouble.REJECTED:
                delivery.failure = failure
                return delivery
            most = len(batch) // 2 or 1
            if len(batch) == 1 and not _put_aside_alone(spool, len(kept), failure, delivery):
                kept.append(failure)
            continue
        if len(answer.records) != len(batch):
            delivery.failure = Failure(trouble=Trouble.TEMPORARY, message="The answer is not about these records.")
            return delivery
        clocks.compare(answer.received_at, sent)
        for failure in kept:
            _put_aside(spool, 0, failure.message, delivery)
        kept.clear()
        most = MAX_BATCH_RECORDS if spool.refused_in_a_row else most
        spool.refused_in_a_row = 0
        _settle(spool, batch, answer.records, delivery)
        delivery.next_report_in_seconds, delivery.resync = answer.next_report_in_seconds, answer.resync
    if kept:
        message = f"the server takes no record, all are kept: {kept[-1].message}"
        delivery.failure = attrs.evolve(kept[-1], message=one_line(message))
    return delivery


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


def _first_of(records: Sequence[ObservationRecord], most: int) -> list[ObservationRecord]:
    batch, size = list[ObservationRecord](), 0
    for record in records[:most]:
        size += len(to_json(record))
        if batch and size > MAX_BATCH_BYTES:
            break
        batch.append(record)
    return batch


def ends_of_boots(records: Sequence[ObservationRecord]) -> list[ClockReading]:
    """Give the first reading of each boot and the last: what the server needs to place records before it sees them."""
    by_boot: dict[uuid.UUID, list[ClockReading]] = {}
    for record in records:
        for reading in (record.first_observed, record.last_observed or record.first_observed):
            by_boot.setdefault(reading.boot_id, []).append(reading)
    ends = dict.fromkeys(reading for readings in by_boot.values() for reading in (readings[0], readings[-1]))
    return [*ends][:_MAX_WAITING_READINGS]


def _settle(
    spool: Spool, batch: Sequence[ObservationRecord], receipts: Sequence[RecordReceipt], delivery: Delivery
) -> None:
    refused = [index for index, receipt in enumerate(receipts) if receipt.problem]
    for index in reversed(refused):
        words = "; ".join(f"{error.pointer} {error.detail}" for error in receipts[index].errors)
        _put_aside(spool, index, one_line(f"{receipts[index].problem}: {words}"), delivery)
    spool.acknowledge(len(receipts) - len(refused))
    if not receipts[-1].problem:
        delivery.record, delivery.receipt = batch[-1], receipts[-1]


def _put_aside_alone(spool: Spool, index: int, failure: Failure, delivery: Delivery) -> bool:
    """Put a record aside that was sent by itself, unless the server has refused a few of them one after the other."""
    if spool.refused_in_a_row >= MAX_REFUSED_IN_A_ROW:
        return False
    spool.refused_in_a_row += 1
    _put_aside(spool, index, failure.message, delivery)
    return True


def _put_aside(spool: Spool, index: int, words: str, delivery: Delivery) -> None:
    spool.quarantine(index)
    delivery.refused.append(words)
    delivery.record = delivery.receipt = None
