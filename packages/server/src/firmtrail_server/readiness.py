"""Whether the server may be sent work. The answer comes soon, also when the database hangs and gives none."""

from __future__ import annotations

import asyncio

from firmtrail_server.background import end
from firmtrail_server.db import Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.schema import SchemaTooOld, pending_migrations

ANSWER_SECONDS = 2.0


class Readiness:
    """Asks the database for its migrations, one question at a time: a database that hangs gets no more of them."""

    def __init__(self, database: Database, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._database = database
        self._answer_seconds = answer_seconds
        self._question: asyncio.Task[list[str]] | None = None

    async def check(self) -> None:
        """Return if the server is ready.

        Raises:
            DatabaseUnavailable: the database is away, or does not answer in time.
            SchemaTooOld: it lacks migrations.
        """
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(
                self._database.run(Transaction.READ, pending_migrations), name="readiness"
            )
            self._question.add_done_callback(_forget_failure)
        question = self._question
        answered, _ = await asyncio.wait([question], timeout=self._answer_seconds)
        if not answered:
            raise DatabaseUnavailable
        if pending := question.result():
            raise SchemaTooOld(pending)

    async def close(self) -> None:
        if self._question is not None:
            await end(self._question)


def _forget_failure(question: asyncio.Task[list[str]]) -> None:
    """Look at a failure that nobody waits for any more, or asyncio complains about that."""
    if not question.cancelled():
        question.exception()
