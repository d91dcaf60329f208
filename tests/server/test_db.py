"""Transactions that collide, and connections that break."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.errors import DatabaseUnavailable, TooManyCollisions

_END_ITSELF = "select pg_terminate_backend(pg_backend_pid())"


async def test_transactions_that_collide_are_repeated_until_each_has_counted(database_url: str) -> None:
    database = Database(database_url)
    await database.open()

    async def set_up(conn: Connection) -> None:
        await conn.execute("create table counter (value bigint not null)")
        await conn.execute("insert into counter values (0)")

    async def count(conn: Connection) -> None:
        row = await (await conn.execute("select value from counter")).fetchone()
        assert row is not None
        await conn.execute("update counter set value = %s", [row[0] + 1])

    async def total(conn: Connection) -> int:
        row = await (await conn.execute("select value from counter")).fetchone()
        assert row is not None
        return row[0]

    await database.run(Transaction.WRITE, set_up)
    await asyncio.gather(*(database.run(Transaction.WRITE, count) for _ in range(6)))

    assert await database.run(Transaction.WRITE, total) == 6
    await database.close()


async def test_a_transaction_that_collides_for_ever_is_given_up_and_does_not_say_that_the_database_is_away(
    database_url: str,
) -> None:
    database, other = Database(database_url), await Connection.connect(database_url, autocommit=True)
    await database.open()
    await other.execute("create table counter (value bigint not null)")
    await other.execute("insert into counter values (0)")

    async def count_too_late(conn: Connection) -> None:
        await conn.execute("select value from counter")
        await other.execute("update counter set value = value + 1")
        await conn.execute("update counter set value = 0")

    with pytest.raises(TooManyCollisions, match="Nothing was stored") as given_up:
        await database.run(Transaction.WRITE, count_too_late)

    assert isinstance(given_up.value.__cause__, psycopg.errors.SerializationFailure)
    row = await (await other.execute("select value from counter")).fetchone()
    assert row is not None
    assert row[0] > 1
    await other.close()
    await database.close()


async def test_a_transaction_whose_connection_the_database_ends_runs_once_more_on_another(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    seen: list[int] = []

    async def read(conn: Connection) -> int:
        seen.append(conn.info.backend_pid)
        if len(seen) == 1:
            await conn.execute(_END_ITSELF)
        return conn.info.backend_pid

    assert await database.run(Transaction.WRITE, read) == seen[1]
    assert seen[0] != seen[1]
    await database.close()


async def test_a_transaction_that_breaks_every_connection_is_given_up(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    tries: list[None] = []

    async def break_it(conn: Connection) -> None:
        tries.append(None)
        await conn.execute(_END_ITSELF)

    with pytest.raises(DatabaseUnavailable):
        await database.run(Transaction.WRITE, break_it)

    assert len(tries) == 2
    await database.close()
