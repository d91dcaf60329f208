"""The connections of the pool keep their cursors, and watch their sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator
from typing import NamedTuple

import attrs
import psycopg
import pytest
import pytest_asyncio

from firmtrail_server.db import Connection, Database, Transaction, rows
from firmtrail_server.db.pooled_connection import PooledConnection


@attrs.frozen(kw_only=True)
class Told:
    """A row."""

    said: str | None


class Number(NamedTuple):
    """Another."""

    number: int


async def told(conn: Connection, value: object) -> list[Told]:
    async with conn.cursor(row_factory=rows(Told)) as cur:
        await cur.execute("select cast(%(value)s as text) as said", {"value": value})
        return await cur.fetchall()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url, max_connections=1)
    await database.open()
    yield database
    await database.close()


async def test_a_kept_cursor_takes_values_of_other_types(database: Database) -> None:
    async with database.transaction(Transaction.READ) as conn:
        said = [await told(conn, value) for value in (1, dt.date(2026, 5, 3), 70_000, None, 1)]

    assert said == [
        [Told(said="1")],
        [Told(said="2026-05-03")],
        [Told(said="70000")],
        [Told(said=None)],
        [Told(said="1")],
    ]


async def test_a_cursor_is_kept_for_the_next_transaction(database: Database) -> None:
    async def cursor(conn: Connection) -> int:
        async with conn.cursor(row_factory=rows(Told)) as cur:
            return id(cur)

    assert await database.run(Transaction.READ, cursor) == await database.run(Transaction.READ, cursor)


async def test_a_cursor_in_use_is_lent_to_nobody_else(database: Database) -> None:
    async with (
        database.transaction(Transaction.READ) as conn,
        conn.cursor(row_factory=rows(Told)) as outer,
    ):
        await outer.execute("select said from (values ('a'), ('b')) as two (said)")
        first = await outer.fetchone()
        assert await told(conn, 1) == [Told(said="1")]

        assert [first, *await outer.fetchall()] == [Told(said="a"), Told(said="b")]


async def test_a_cursor_is_kept_after_its_statement_failed(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with database.transaction(Transaction.READ) as conn, conn.cursor(row_factory=rows(Number)) as cur:
            await cur.execute("select 1 / 0 as number")

    async with database.transaction(Transaction.READ) as conn, conn.cursor(row_factory=rows(Number)) as cur:
        await cur.execute("select 1 as number")
        assert await cur.fetchall() == [Number(1)]


async def test_a_cursor_with_many_rows_is_not_kept(database: Database) -> None:
    async def count(conn: Connection, many: int) -> psycopg.AsyncCursor[Number]:
        async with conn.cursor(row_factory=rows(Number)) as cur:
            await cur.execute("select number from generate_series(1, %(many)s) as numbers (number)", {"many": many})
            assert len(await cur.fetchall()) == many
            return cur

    few = await database.run(Transaction.READ, count, 100)
    many = await database.run(Transaction.READ, count, 101)
    other = await database.run(Transaction.READ, count, 1)

    assert many is few
    assert other is not many


async def test_a_transaction_that_cannot_begin_says_why(database: Database) -> None:
    async with database.transaction(Transaction.READ) as conn:
        assert isinstance(conn, PooledConnection)
        with pytest.raises(psycopg.errors.SyntaxError):
            await conn.begin("begin isolation level of some kind")


async def test_more_than_the_socket_takes_goes_out_and_comes_back(database: Database) -> None:
    long = "x" * 20_000_000

    async with database.transaction(Transaction.READ) as conn:
        assert await told(conn, long) == [Told(said=long)]
        assert await told(conn, 1) == [Told(said="1")]


async def test_a_statement_that_is_cancelled_ends_in_the_database_and_leaves_its_connection(database: Database) -> None:
    pids: list[int] = []
    began = asyncio.Event()

    async def pid(conn: Connection) -> int:
        return conn.info.backend_pid

    async def sleep(conn: Connection) -> None:
        pids.append(conn.info.backend_pid)
        began.set()
        await conn.execute("select pg_sleep(14)")

    sleeping = asyncio.create_task(database.run(Transaction.READ, sleep))
    await began.wait()
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping

    assert [await database.run(Transaction.READ, pid)] == pids


async def test_a_connection_whose_statement_cannot_be_cancelled_is_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: PooledConnection, **__: float) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(PooledConnection, "cancel_safe", lost)
    monkeypatch.setattr("firmtrail_server.db.pooled_connection._CANCEL_SECONDS", 0.01)
    async with database.transaction(Transaction.READ) as conn:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await conn.execute("select pg_sleep(2)")
        assert conn.closed

    async with database.transaction(Transaction.READ) as other:
        assert await told(other, 1) == [Told(said="1")]


async def test_an_idle_connection_that_the_database_ends_is_watched_no_longer(database_url: str) -> None:
    other = await Connection.connect(database_url, autocommit=True)
    database = Database(database_url, max_connections=1)
    await database.open()
    async with database.transaction(Transaction.READ) as conn:
        assert await told(conn, 1) == [Told(said="1")]
        pid = conn.info.backend_pid
    await other.execute("select pg_terminate_backend(%(pid)s)", {"pid": pid})
    await asyncio.sleep(0.05)

    assert not asyncio.get_running_loop().remove_reader(conn.pgconn.socket)
    async with database.transaction(Transaction.READ) as conn:
        assert conn.info.backend_pid != pid
    await other.close()
    await database.close()


async def test_a_closed_connection_is_watched_no_longer(database: Database) -> None:
    async with database.transaction(Transaction.READ) as conn:
        assert await told(conn, 1) == [Told(said="1")]
        socket = conn.pgconn.socket
        await conn.close()

    assert not asyncio.get_running_loop().remove_reader(socket)
