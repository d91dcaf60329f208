"""Whether a server is ready, when its database does not say."""

from __future__ import annotations

import psycopg
import pytest

from firmtrail_server.db import Connection, Database
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.services.readiness import Readiness
from tests.server.server_process import TIMEOUT_SECONDS


async def questions(conn: Connection) -> int:
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return len(await (await conn.execute(waiting)).fetchall())


async def test_a_database_that_does_not_answer_is_not_ready_and_is_asked_once_until_it_does(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    impatient = Readiness(database, answer_seconds=0.1)
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await conn.execute("lock table _yoyo_migration in access exclusive mode")
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await impatient.check()
        assert await questions(conn) <= 1

    await Readiness(database, answer_seconds=TIMEOUT_SECONDS).check()
    await impatient.close()
    await database.close()
