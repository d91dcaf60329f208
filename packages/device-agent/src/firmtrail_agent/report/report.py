"""One report that nothing follows: its process ends. The service does rounds of its own: daemon/round.py."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail_agent.config.settings import Settings
from firmtrail_agent.report.record import record_of
from firmtrail_agent.report.results import Result, exit_code, results_of
from firmtrail_agent.report.statement import Statements
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import EXIT_CODES, Trouble
from firmtrail_agent.server.uploader import Uploader
from firmtrail_agent.sources import read_all
from firmtrail_agent.state.device import Device
from firmtrail_agent.state.spool import Spool

if TYPE_CHECKING:
    from firmtrail import AgentStatement

#: what the timer's unit counts as no failure
_IT_WAITS = {EXIT_CODES[Trouble.NOT_REACHABLE], EXIT_CODES[Trouble.TEMPORARY]}


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
    readings, spool = read_all(settings.configuration.sources, root), device.observations.spool
    if record := record_of(readings, device.clocks):
        device.observations.add(record)
    statement = Statements().make(readings, spool, int(device.clocks.boot_time() * 1000))
    delivery = await send_all(settings, device, statement)
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


async def send_all(settings: Settings, device: Device, agent: AgentStatement | None = None) -> Delivery:
    """Send what waits in the spool, once; and what the agent says of itself."""
    uploader = Uploader(settings, device)
    try:
        delivery = await uploader.send(agent=agent)
    finally:
        await uploader.close()
    if delivery.record:
        device.observations.reported(delivery.record)
    device.observations.spool.persist()
    return delivery
