"""The connection pool, transactions that are retried, values that become parameters and rows that become models."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import cattrs
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from firmtrail_server.errors import (
    CommitUncertain,
    ConnectionBroken,
    DatabaseUnavailable,
    OwnerGone,
    StorageRefused,
    TooManyCollisions,
)

T = TypeVar("T")
Connection = AsyncConnection[tuple[Any, ...]]
TextRow = tuple[str | None, ...]
#: runs a statement whose values go in and come out as text
Run = Callable[[LiteralString, Mapping[str, str]], Awaitable[Sequence[TextRow]]]

#: a second and a half in all, as a rule: a late report is several statements, and any batch of another server hits it
_ATTEMPTS, _LONGEST_PAUSE_SECONDS = 16, 0.25
#: A key that another transaction has just written is met before the collision is seen (PostgreSQL, section 13.5). No
#: statement counts on it: what may be there already is asked for with `on conflict`.
COLLISIONS = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
)
#: read-only: what managed databases become when their disk is full, and a primary that has become a replica
NOT_STORED = (psycopg.errors.DiskFull, psycopg.errors.ReadOnlySqlTransaction)
BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TimeoutError)
#: more than any transaction should take, the connection included; the database's own limit comes first
LONGEST_SECONDS = 20
SESSION = (
    "-c timezone=UTC"
    " -c default_transaction_isolation=serializable"
    " -c statement_timeout=15000"
    " -c idle_in_transaction_session_timeout=30000"
)


class Database:
    """A pool of connections; every transaction is SERIALIZABLE."""

    def __init__(self, url: str, *, max_connections: int = 10) -> None:
        self._pool = AsyncConnectionPool[Connection](
            url,
            open=False,
            min_size=1,
            max_size=max_connections,
            timeout=5,
            max_lifetime=30 * 60,
            reconnect_timeout=5,  # the pool doubles its pauses until then: an outage must not outlast itself
            check=AsyncConnectionPool.check_connection,
            kwargs={"options": SESSION, "connect_timeout": 5},
        )
        #: transactions, those that only read included
        self.commits = 0

    def pool_stats(self) -> dict[str, int]:
        return self._pool.get_stats()

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """Run the block in one transaction, once: a collision with another one is the caller's to handle.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or it took too long; nothing is stored.
            ConnectionBroken: it was there, and broke; nothing is stored.
            StorageRefused: the database is full or read-only; nothing is stored.
            OwnerGone: a row that others refer to was deleted at this very moment; nothing is stored.
            CommitUncertain: the connection broke during the commit.
        """
        conn, done = None, False
        try:
            async with asyncio.timeout(LONGEST_SECONDS), self._pool.connection() as conn:
                yield conn
                done = conn.info.transaction_status is TransactionStatus.INTRANS
        except COLLISIONS:
            raise
        except psycopg.errors.ForeignKeyViolation as error:
            raise OwnerGone from error
        except NOT_STORED as error:
            raise StorageRefused from error
        except BROKEN as error:
            if done:
                raise CommitUncertain from error
            was_lost = conn is not None and conn.closed and not isinstance(error, TimeoutError)
            raise ConnectionBroken if was_lost else DatabaseUnavailable from error
        else:
            self.commits += done

    async def retried(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again when it collided with another one, also at its commit.

        At SERIALIZABLE a transaction that only reads can collide too. When the database ends its connection, as at a
        restart, it runs once more on another.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or two broke.
            TooManyCollisions: they do not end; nothing is stored.
            CommitUncertain: the connection broke during the commit.
        """

        async def once() -> T:
            async with self.transaction() as conn:
                return await work(conn)

        try:
            return await retried(once)
        except ConnectionBroken:
            return await retried(once)


async def retried(once: Callable[[], Awaitable[T]]) -> T:
    """Run what is a transaction, again when it collided with another one.

    Raises:
        TooManyCollisions: they do not end; nothing is stored.
    """
    collision: psycopg.Error | None = None
    for attempt in range(_ATTEMPTS):
        try:
            return await once()
        except COLLISIONS as error:
            collision = error
            pause = min(0.005 * 2**attempt, _LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311  spreads retries, hides nothing
    raise TooManyCollisions(collision)


async def run(conn: Connection, statement: LiteralString, parameters: Mapping[str, str]) -> list[TextRow]:
    """Run a statement whose values go in and come out as text."""
    return await (await conn.execute(statement, parameters)).fetchall()


def array(values: Iterable[str]) -> str:
    """Write numbers, UUIDs, moments or nulls as an array literal: half the cost of letting the driver adapt a list."""
    return "{" + ",".join(values) + "}"


def text_array(values: Iterable[str]) -> str:
    """Write texts as an array literal: quoted, so that none of them is taken for anything else."""
    return "{" + ",".join(['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]) + "}"


def rows(model: type[T]) -> Callable[[AsyncCursor[Any]], Callable[[Sequence[Any]], T]]:
    """Make a row factory that builds `model` from the columns of its fields' names, its enums included."""
    structure = _converter.get_structure_hook(model)

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]
        return lambda values: structure(dict(zip(names, values, strict=True)), model)

    return factory


async def one(cursor: AsyncCursor[T]) -> T:
    """Fetch the row of a statement that always gives one."""
    row = await cursor.fetchone()
    assert row is not None
    return row


def _as_it_is(value: Any, _: Any) -> Any:
    return value


_converter = cattrs.Converter()
for _kind in (uuid.UUID, dt.datetime, bytes):  # the driver has built these already
    _converter.register_structure_hook(_kind, _as_it_is)
