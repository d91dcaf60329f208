"""Who fell silent, and who is back: found every minute, by one process of all that share the database."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.queries import silences
from firmtrail_server.queries.silences import KeyRange
from firmtrail_server.telemetry.metrics import Metrics

_WORK = "silences"
_EVERY = dt.timedelta(minutes=1)
_SECONDS_BETWEEN_LOOKS = 60
#: how long silences are kept that have ended
_KEPT = dt.timedelta(days=90)
#: a transaction's worth: some 30 ms of the database
_DEVICES_AT_ONCE = 10_000
_FIRST = uuid.UUID(int=0)
_BOUNDS = (0.01, 0.1, 1.0, 5.0, 15.0, 60.0)


class SilenceSweeper:
    """Keeps the table of silences. It remembers nothing: after a restart the next sweep finds the same."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._silent = 0
        self._seconds = metrics.histogram(
            "firmtrail_silence_sweep_seconds", "The time that it took to find who is silent.", _BOUNDS
        )
        name, text = "firmtrail_silent_devices", "Devices that are silent, as of the last look at the database."
        metrics.watch(name, text, lambda: self._silent, combine=max)

    async def run(self, clock: Callable[[], dt.datetime]) -> NoReturn:
        """Sweep every minute, unless another process does."""
        while True:
            with suppress(DatabaseUnavailable):  # requests say so
                await self.sweep_if_due(clock())
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def sweep_if_due(self, now: dt.datetime) -> bool:
        """Sweep if no process has for a minute; say whether this one did."""
        is_due = await self._database.run(Transaction.INGEST, silences.take_turn, _WORK, _EVERY)
        if is_due:
            began = time.monotonic()
            await self.sweep(now)
            self._seconds.observe(time.monotonic() - began)
        self._silent = await self._database.run(Transaction.READ, silences.count_silent)
        return is_due

    async def sweep(self, now: dt.datetime) -> None:
        """Compare all devices with the table, and write the difference, in transactions of bounded size."""
        after: uuid.UUID | None = _FIRST
        while after is not None:
            after = await self._database.run(Transaction.INGEST, _sweep_after, after, now)


async def _sweep_after(conn: Connection, after: uuid.UUID, now: dt.datetime) -> uuid.UUID | None:
    """Sweep the devices after one; return the last of them."""
    stretch = await silences.find_stretch(conn, after, _DEVICES_AT_ONCE)
    if stretch is None:
        return None
    await sweep_stretch(conn, stretch, now)
    return stretch.last


async def sweep_stretch(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    """Write what differs; return how many silences began, ended or were withdrawn."""
    withdrawn = await silences.withdraw_of_retired(conn, stretch, now)
    await silences.delete_void(conn, stretch, now - _KEPT)
    ended = await silences.end_of_devices_heard_again(conn, stretch, now)
    return withdrawn + ended + await silences.insert_fallen_silent(conn, stretch, now)
