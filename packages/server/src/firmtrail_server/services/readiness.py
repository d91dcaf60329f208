"""Whether the server may be sent work, and whether somebody holds a transaction open that slows it down.

The answer comes soon, also when the database hangs and gives none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple, NoReturn

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.db.schema import SchemaTooOld, pending_migrations
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.queries.activity import OpenTransaction, find_oldest_transaction
from firmtrail_server.services.background import end

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0
#: none of the server's own lives that long
OLD_SECONDS = 60
_SECONDS_BETWEEN_LOOKS = 15


class _Seen(NamedTuple):
    pending: list[str]
    oldest: OpenTransaction | None


class Readiness:
    """Looks at the database, one look at a time: one that hangs gets no more of them."""

    def __init__(self, database: Database, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._database = database
        self._answer_seconds = answer_seconds
        self._look: asyncio.Task[_Seen] | None = None
        self._warned_of: int | None = None
        #: as it was when somebody last looked
        self.oldest: OpenTransaction | None = None

    async def check(self) -> OpenTransaction | None:
        """Return if the server is ready, and name the oldest open transaction.

        Raises:
            DatabaseUnavailable: the database is away, or does not answer in time.
            SchemaTooOld: it lacks migrations.
        """
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._database.run(Transaction.READ, _look), name="readiness")
            self._look.add_done_callback(_forget_failure)
        look = self._look
        answered, _ = await asyncio.wait([look], timeout=self._answer_seconds)
        if not answered:
            raise DatabaseUnavailable
        pending, self.oldest = look.result()
        if pending:
            raise SchemaTooOld(pending)
        self._warn()
        return self.oldest

    async def run(self) -> NoReturn:
        """Look now and then, for the metrics and the log; whoever asks whether the server is ready looks as well."""
        while True:
            try:
                await self.check()
            except DatabaseUnavailable:  # requests say so
                self.oldest = None
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    async def close(self) -> None:
        if self._look is not None:
            await end(self._look)

    def _warn(self) -> None:
        """Name a transaction that stays open, once."""
        oldest = self.oldest
        if oldest is None or oldest.seconds < OLD_SECONDS:
            self._warned_of = None
        elif oldest.pid != self._warned_of:
            self._warned_of = oldest.pid
            logger.warning(
                "a transaction has been open for %d s (pid %d, %s): reports cost more until it ends",
                oldest.seconds,
                oldest.pid,
                oldest.state,
            )


async def _look(conn: Connection) -> _Seen:
    return _Seen(await pending_migrations(conn), await find_oldest_transaction(conn))


def _forget_failure(look: asyncio.Task[_Seen]) -> None:
    """Look at a failure that nobody waits for any more, or asyncio complains about that."""
    if not look.cancelled():
        look.exception()
