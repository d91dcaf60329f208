"""Gathered writes: while one batch of reports commits, those that arrive wait together and make up the next.

A commit costs the same for one report as for hundreds, so this is what lets the server take in many; an idle one
writes at once. A report is answered after its commit, and reports of one component are stored in their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import attrs

from firmtrail_contract import FirmwareReceipt
from firmtrail_server import recording
from firmtrail_server.background import end
from firmtrail_server.db import Database
from firmtrail_server.errors import DatabaseUnavailable, ReportQueueFull
from firmtrail_server.meaning import Report
from firmtrail_server.meters import Meters
from firmtrail_server.recording import Receipts
from firmtrail_server.report_meters import ReportMeters
from firmtrail_server.writer import Link, Writer

MAX_BATCH = 250
#: about a second's work
MAX_WAITING = 5_000


@attrs.frozen(eq=False)
class _Waiting:
    report: Report
    outcome: asyncio.Future[Receipts]

    def settle(self, outcome: Receipts | Exception) -> None:
        if self.outcome.done():  # its request was given up
            return
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class Recorder:
    """Takes reports from many requests and stores them through one connection."""

    def __init__(
        self, database: Database, writer: Writer, meters: Meters | None = None, *, max_waiting: int = MAX_WAITING
    ) -> None:
        self._database = database
        self._max_waiting = max_waiting
        self._writer = writer
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        meters = meters or Meters()
        self._meters = ReportMeters(meters)
        meters.watch("firmtrail_reports_waiting", "Reports that wait for their batch.", lambda: len(self._waiting))

    def open(self) -> None:
        self._task = asyncio.create_task(self._write_batches(), name="recorder")

    async def close(self) -> None:
        """Stop. Reports still waiting are those of requests that were given up."""
        if self._task is not None:
            await end(self._task)
        await self._writer.close()

    async def record(self, report: Report) -> list[FirmwareReceipt]:
        """Store a report; return after its transaction has committed.

        Raises:
            Unauthenticated: its key is not alive.
            ReportQueueFull: too many reports are waiting.
            DatabaseUnavailable: it may or may not have been stored.
        """
        if len(self._waiting) >= self._max_waiting:
            raise ReportQueueFull
        waiting = _Waiting(report, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        receipts = await waiting.outcome
        if receipts is None:  # late: it needs several statements, which would hold up the others
            receipts = await self._database.retried(lambda conn: recording.record_alone(conn, report))
            self._meters.add(receipts)
        return receipts

    async def _write_batches(self) -> None:
        while True:
            await self._arrived.wait()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
            if not self._waiting:
                self._arrived.clear()
            if awaited := [waiting for waiting in batch if not waiting.outcome.done()]:
                await self._store(awaited)

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        rounds = _rounds(batch)
        try:
            outcomes = await self._writer.retried(lambda link: _record(link, rounds))
        except DatabaseUnavailable as error:
            for waiting in batch:
                waiting.settle(type(error)(error.__cause__))
        except Exception as error:  # noqa: BLE001  whatever one of them did, its neighbours are stored
            if len(batch) == 1:
                batch[0].settle(error)
                return
            half = len(batch) // 2
            await self._store(batch[:half])
            await self._store(batch[half:])
        else:
            self._meters.add_batch(outcomes)
            for waiting, outcome in zip((w for stored in rounds for w in stored), outcomes, strict=True):
                waiting.settle(outcome)


def _rounds(batch: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """Part a batch so that no round has two reports of one component, and their order is kept."""
    named = [[(seen.device_id.int, seen.component) for seen in waiting.report.observations] for waiting in batch]
    if len({component for components in named for component in components}) == sum(map(len, named)):
        return [[*batch]]  # as nearly always
    rounds: list[list[_Waiting]] = []
    taken: dict[tuple[int, str], int] = {}
    for waiting, components in zip(batch, named, strict=True):
        number = max([taken.get(component, 0) for component in components])
        for component in components:
            taken[component] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(waiting)
    return rounds


async def _record(link: Link, rounds: Sequence[Sequence[_Waiting]]) -> list[Receipts | Exception]:
    if len(rounds) == 1:
        return [*await recording.record_together(link.run, [waiting.report for waiting in rounds[0]])]
    async with link.transaction():
        return [
            outcome
            for batch in rounds
            for outcome in await recording.record_together(link.run, [waiting.report for waiting in batch])
        ]
