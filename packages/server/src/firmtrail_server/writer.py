"""The connection that reports are stored through: one statement at a time, as fast as the database takes them.

It speaks to libpq itself. The driver's cursors, and watching the socket anew for every statement, cost several times
what the statement's way to the database and back does; a server that has one report to store would feel it.
"""

from __future__ import annotations

import asyncio
import re
import select
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import LiteralString, TypeVar

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from firmtrail_server import db
from firmtrail_server.db import Connection, TextRow
from firmtrail_server.errors import DatabaseUnavailable, StorageRefused

T = TypeVar("T")

#: One plan for all sizes of a batch, and always by primary key: planning costs more than such a statement itself, and
#: a table read whole would collide with every other writer. A database that does not know a setting goes without.
_SETTINGS = """
    select set_config(wanted.name, wanted.value, false)
      from (values ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off')) as wanted (name, value)
      join pg_settings
        on pg_settings.name = wanted.name
"""
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Link:
    """A connection whose socket is watched for as long as it lives. Not for two tasks at once."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._pg = conn.pgconn
        self._socket = conn.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, bytes] = {}
        self._awaited: asyncio.Future[None] | None = None
        self._is_watched = True
        self._loop.add_reader(self._socket, self._read)

    async def close(self) -> None:
        self._unwatch()
        await self._conn.close()

    def is_open(self) -> bool:
        """Say whether the database has neither closed it nor is about to: it has nothing else to say when idle."""
        if self._conn.closed:
            return False
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return not poll.poll(0)

    async def run(self, statement: LiteralString, parameters: Mapping[str, str]) -> list[TextRow]:
        """Run a statement: a transaction of its own, unless `transaction` has begun one.

        Raises:
            psycopg.Error: as the driver does.
        """
        numbered, names = _numbered(statement)
        name = self._prepared.get(numbered)
        if name is None:
            name = f"s{len(self._prepared)}".encode()
            self._pg.send_prepare(name, numbered.encode())
            await self._result()
            self._prepared[numbered] = name
        self._pg.send_query_prepared(name, [parameters[one].encode() for one in names])
        result = await self._result()
        return [_row(result, number) for number in range(result.ntuples)]

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        """Run the statements of the block in one transaction, and none of them if it fails."""
        await self.run("begin", {})
        try:
            yield
        except BaseException:
            if not self._conn.closed:
                await self.run("rollback", {})
            raise
        await self.run("commit", {})

    async def _result(self) -> PGresult:
        """Send what waits to be sent, and wait for all of the answer: the commit may fail after the rows have come."""
        while self._pg.flush():
            await self._writable()
        results: list[PGresult] = []
        while result := await self._next_result():
            results.append(result)
        if not results:
            raise psycopg.OperationalError("the connection is lost")
        for result in results:
            if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
                raise error_from_result(result)
        return results[0]

    async def _next_result(self) -> PGresult | None:
        while self._pg.is_busy():
            self._awaited = self._loop.create_future()
            await self._awaited
        return self._pg.get_result()

    async def _writable(self) -> None:
        writable = self._loop.create_future()
        self._loop.add_writer(self._socket, lambda: writable.done() or writable.set_result(None))
        try:
            await writable
        finally:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
        except psycopg.OperationalError as error:  # libpq has closed the socket
            self._unwatch()
            self._wake(error)
        else:
            if not self._pg.is_busy():
                self._wake(None)

    def _unwatch(self) -> None:
        """Watch the socket no longer: once it is closed, its number may be that of another one."""
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._socket)

    def _wake(self, error: Exception | None) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is None or awaited.done():
            return
        if error:
            awaited.set_exception(error)
        else:
            awaited.set_result(None)


class Writer:
    """Keeps a link, and makes it anew after it broke. Not for two tasks at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._link: Link | None = None
        self.commits = 0

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def retried(self, work: Callable[[Link], Awaitable[T]]) -> T:
        """Run `work`, again when it collided with another transaction.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or it broke.
            TooManyCollisions: they do not end; nothing is stored.
            StorageRefused: the database is full or read-only; nothing is stored.
        """

        async def once() -> T:
            try:
                async with asyncio.timeout(db.LONGEST_SECONDS):
                    result = await work(await self._opened())
            except db.COLLISIONS:
                raise
            except db.NOT_STORED as error:
                await self.close()  # the next connection may reach a database that takes writes
                raise StorageRefused from error
            except db.BROKEN as error:
                await self.close()
                raise DatabaseUnavailable from error
            self.commits += 1
            return result

        return await db.retried(once)

    async def _opened(self) -> Link:
        if self._link is not None and not self._link.is_open():
            await self.close()
        if self._link is None:
            conn = await Connection.connect(self._url, autocommit=True, options=db.SESSION, connect_timeout=5)
            await conn.execute(_SETTINGS)
            self._link = Link(conn)
        return self._link


@lru_cache
def _numbered(statement: str) -> tuple[str, list[str]]:
    """Write named parameters as libpq takes them, and list their names in that order."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


def _row(result: PGresult, number: int) -> TextRow:
    values = [result.get_value(number, column) for column in range(result.nfields)]
    return tuple([None if value is None else value.decode() for value in values])
