"""The connection pool, transactions that are retried, and rows that become models."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import cattrs
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from firmtrail_server.errors import DatabaseUnavailable

T = TypeVar("T")
Connection = AsyncConnection[tuple[Any, ...]]

_ATTEMPTS = 8
_COLLISIONS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_SESSION = (
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
            check=AsyncConnectionPool.check_connection,
            kwargs={"options": _SESSION, "connect_timeout": 5},
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """Run the block in one transaction, once: a collision with another one is the caller's to handle.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or it broke.
        """
        try:
            async with self._pool.connection() as conn:
                yield conn
        except _COLLISIONS:
            raise
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed) as error:
            raise DatabaseUnavailable from error

    async def retried(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again when it collided with another one, also at its commit.

        At SERIALIZABLE a transaction that only reads can collide too.

        Raises:
            DatabaseUnavailable: there is no connection to be had, it broke, or the collisions do not end.
        """
        for attempt in range(_ATTEMPTS):
            try:
                async with self.transaction() as conn:
                    return await work(conn)
            except _COLLISIONS:
                await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311  spreads retries, hides nothing
        raise DatabaseUnavailable


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
