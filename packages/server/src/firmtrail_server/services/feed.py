"""The feed of changes: it gives numbers to what is committed, and deletes what is old."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from contextlib import suppress
from typing import NamedTuple, NoReturn

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable, OwnerGone
from firmtrail_server.queries import firmware_feeds, silences

_WORK = "firmware_changes"
_EVERY = dt.timedelta(minutes=1)
_SECONDS_BETWEEN_TURNS = 60
#: a transaction's worth: 12 to 25 ms of the database
_NUMBERED_AT_ONCE = 1_000
_TRIMMED_AT_ONCE = 10_000
_FIRST = uuid.UUID(int=0)


class Numbered(NamedTuple):
    """What came of numbering once."""

    last_number: int
    #: how many changes were given a number
    given: int


class Feed:
    """Numbers and trims the feeds of all projects. It remembers nothing, and any number of processes may do it."""

    def __init__(self, database: Database, kept: dt.timedelta) -> None:
        self._database = database
        #: how long changes are kept
        self._kept = kept

    async def run(self) -> NoReturn:
        """Number what nobody asks for, and trim, every minute, unless another process does."""
        while True:
            with suppress(DatabaseUnavailable):  # requests say so
                if await self._database.run(Transaction.INGEST, silences.take_turn, _WORK, _EVERY):
                    await self.number_all()
                    await self.trim()
            await asyncio.sleep(_SECONDS_BETWEEN_TURNS)

    async def number(self, project_id: uuid.UUID) -> int:
        """Give numbers to all changes of a project that are committed now; return the last number."""
        numbered = await self._database.run(Transaction.INGEST, number_some, project_id)
        while numbered.given == _NUMBERED_AT_ONCE:
            numbered = await self._database.run(Transaction.INGEST, number_some, project_id)
        return numbered.last_number

    async def number_all(self) -> None:
        """Give numbers to the changes of all projects."""
        after: uuid.UUID | None = _FIRST
        while after is not None:
            after = await self._database.run(Transaction.READ, firmware_feeds.find_pending_project, after)
            if after is not None:
                with suppress(OwnerGone):  # the project is being deleted
                    await self.number(after)

    async def trim(self) -> None:
        """Delete what is older than changes are kept, in transactions of bounded size."""
        for project_id in await self._database.run(Transaction.READ, firmware_feeds.list_outdated, self._kept):
            while await self._database.run(
                Transaction.INGEST, firmware_feeds.trim, project_id, self._kept, _TRIMMED_AT_ONCE
            ):
                pass


async def number_some(conn: Connection, project_id: uuid.UUID) -> Numbered:
    """Give numbers to changes of a project that are committed, at most 1,000.

    For `Transaction.INGEST`. Whoever reads in a later transaction sees every change up to the last number.
    """
    state = await firmware_feeds.find_state(conn, project_id)
    if state is None or not state.is_pending:
        return Numbered(state.last_number if state else 0, 0)
    await firmware_feeds.plan_by_key(conn)
    before = await firmware_feeds.lock(conn, project_id)
    last_number = await firmware_feeds.number(conn, project_id, _NUMBERED_AT_ONCE)
    return Numbered(last_number, last_number - before)
