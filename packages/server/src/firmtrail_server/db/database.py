"""The connection pool, and transactions that are repeated when they collide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import Enum
from typing import Concatenate, LiteralString, ParamSpec, TypeVar

import psycopg
from psycopg.crdb import CrdbConnection
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from firmtrail_server.db import failures
from firmtrail_server.db.address import Address, Connection
from firmtrail_server.db.failures import BROKEN, COLLISIONS, NOT_STORED, is_silent, pauses
from firmtrail_server.db.pooled_connection import PooledConnection
from firmtrail_server.errors import (
    CommitUncertain,
    ConnectionBroken,
    DatabaseUnavailable,
    OwnerGone,
    StorageRefused,
    TooManyCollisions,
)

T = TypeVar("T")
P = ParamSpec("P")


class Transaction(Enum):
    """What a transaction is for, and so how it is isolated (docs/decisions/0004-isolation.md)."""

    #: one snapshot, and no predicate locks
    READ = "repeatable read read only"
    #: a rare change that decides on what it has read: who is the last admin, how many keys a device has
    WRITE = "serializable"
    #: a change that decides on rows that it has locked
    INGEST = "read committed"

    def begin(self, conn: Connection) -> LiteralString:
        """Write the statement that begins it: CockroachDB takes no locks that INGEST could build on."""
        return _BEGIN[Transaction.WRITE if self is Transaction.INGEST and CrdbConnection.is_crdb(conn) else self]


_BEGIN: dict[Transaction, LiteralString] = {
    Transaction.READ: "begin isolation level repeatable read read only",
    Transaction.WRITE: "begin isolation level serializable",
    Transaction.INGEST: "begin isolation level read committed",
}


class Database:
    """A pool of connections."""

    def __init__(self, url: str | Address, *, max_connections: int = 10) -> None:
        self.address = Address(url) if isinstance(url, str) else url
        self._pool = AsyncConnectionPool[PooledConnection](
            connection_class=PooledConnection,
            kwargs={"address": self.address},
            open=False,
            min_size=1,
            max_size=max_connections,
            timeout=5,
            max_lifetime=30 * 60,
            reconnect_timeout=5,  # the pool doubles its pauses until then: an outage must not outlast itself
            check=_check,
        )
        #: transactions, those that only read included
        self.commits = 0

    def pool_stats(self) -> dict[str, int]:
        return self._pool.get_stats()

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def move(self, url: str) -> None:
        """Connect by another URL from now on; connections of the old one are closed when nobody uses them."""
        self.address.url = url
        await self._pool.drain()

    async def run(
        self,
        kind: Transaction,
        work: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(conn, ...)` in a transaction, again when it collided with another one, also at its commit.

        When the database ends its connection, as at a restart, it runs once more on another.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or two broke.
            TooManyCollisions: they do not end; nothing is stored.
            StorageRefused, OwnerGone, CommitUncertain: see `transaction`.
        """
        collision, was_broken = None, False
        for pause in pauses():
            try:
                async with self.transaction(kind) as conn:
                    return await work(conn, *args, **kwargs)
            except COLLISIONS as error:
                collision = error
                await asyncio.sleep(pause)
            except ConnectionBroken:
                if was_broken:
                    raise
                was_broken = True
                await self._pool.check()  # the others of the pool have ended with it
        raise TooManyCollisions(collision)

    @asynccontextmanager
    async def transaction(self, kind: Transaction = Transaction.WRITE) -> AsyncGenerator[Connection]:
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
            async with asyncio.timeout(failures.LONGEST_SECONDS), self._pool.connection() as conn:
                try:
                    await conn.begin(kind.begin(conn))
                    yield conn
                    done = conn.info.transaction_status is TransactionStatus.INTRANS
                except NOT_STORED:
                    await conn.close()  # the next connection may reach a database that stores
                    raise
        except COLLISIONS:
            raise
        except psycopg.errors.ForeignKeyViolation as error:
            raise OwnerGone from error
        except NOT_STORED as error:
            raise StorageRefused from error
        except BROKEN as error:
            if done and kind is not Transaction.READ:
                raise CommitUncertain from error
            was_lost = conn is not None and conn.closed and not isinstance(error, TimeoutError)
            raise ConnectionBroken if was_lost else DatabaseUnavailable from error
        else:
            self.commits += done


async def _check(conn: Connection) -> None:
    """Refuse a connection that the database has closed, without asking it: that would double what a read costs."""
    if not is_silent(conn.pgconn.socket):
        await conn.close()  # or the pool would take it back
        raise psycopg.OperationalError("the database has closed this connection")
