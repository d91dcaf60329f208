"""The link that reports are stored through: one statement at a time, as fast as the database takes them.

It speaks to libpq itself. The driver's cursors, and watching the socket anew for every statement, cost several times
what the statement's way to the database and back does; a server that has one report to store would feel it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, LiteralString

import psycopg
from psycopg.adapt import Transformer
from psycopg.crdb import CrdbConnection
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from firmtrail_server.db import failures
from firmtrail_server.db.address import Address, Connection
from firmtrail_server.db.database import Transaction
from firmtrail_server.db.failures import BROKEN, COLLISIONS, NOT_STORED, is_silent, pauses
from firmtrail_server.db.socket_watch import SocketWatch
from firmtrail_server.errors import DatabaseUnavailable, StorageRefused, TooManyCollisions

Row = tuple[Any, ...]

#: One plan for all sizes of a batch, and always by primary key, row by row: planning costs more than such a statement
#: itself, and a table that was small when it was planned may have grown. A database that does not know a setting goes
#: without.
_SETTINGS = """
    select set_config(wanted.name, wanted.value, false)
      from (values ('plan_cache_mode', 'force_generic_plan'),
                   ('enable_seqscan', 'off'),
                   ('enable_hashjoin', 'off'),
                   ('enable_mergejoin', 'off'),
                   ('enable_bitmapscan', 'off'),
                   ('default_transaction_isolation', %(isolation)s)) as wanted (name, value)
      join pg_settings
        on pg_settings.name = wanted.name
"""
_PARAMETER = re.compile(r"%\((\w+)\)s")
_BINARY = 1


class Link:
    """Runs statements, each a transaction of its own; the connection is made anew after it broke.

    Not for two tasks at once.
    """

    def __init__(self, url: str | Address, *, isolation: Transaction = Transaction.INGEST) -> None:
        self._address = Address(url) if isinstance(url, str) else url
        self._isolation = isolation
        self._wire: _Wire | None = None
        self.commits = 0

    async def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def run(self, statement: LiteralString, parameters: Mapping[str, str]) -> list[Row]:
        """Run a statement whose values go in as text, again when it collided with another transaction.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or it broke.
            TooManyCollisions: they do not end; nothing is stored.
            StorageRefused: the database is full or read-only; nothing is stored.
            psycopg.Error: the statement is wrong, or one of its values.
        """
        collision = None
        for pause in pauses():
            try:
                wire = self._wire if self._wire and self._wire.is_open(self._address.url) else await self._connected()
                rows = await wire.run(statement, parameters)
            except COLLISIONS as error:
                collision = error
                await asyncio.sleep(pause)
            except NOT_STORED as error:
                await self.close()  # the next connection may reach a database that takes writes
                raise StorageRefused from error
            except BROKEN as error:
                await self.close()
                raise DatabaseUnavailable from error
            else:
                self.commits += 1
                return rows
        raise TooManyCollisions(collision)

    async def _connected(self) -> _Wire:
        await self.close()
        async with asyncio.timeout(failures.LONGEST_SECONDS):
            conn = await self._address.connect()
            url = self._address.url
            is_serializable = self._isolation is Transaction.WRITE or CrdbConnection.is_crdb(conn)
            await conn.execute(_SETTINGS, {"isolation": "serializable" if is_serializable else "read committed"})
        self._wire = _Wire(conn, url)
        return self._wire


class _Wire:
    """A connection whose socket is watched for as long as it lives."""

    def __init__(self, conn: Connection, url: str) -> None:
        self._conn, self._url = conn, url
        self._pg = conn.pgconn
        self._socket = conn.pgconn.socket
        self._watch = SocketWatch(self._socket)
        self._loop = asyncio.get_running_loop()
        self._transformer = Transformer.from_context(conn)
        self._prepared: dict[str, bytes] = {}

    async def close(self) -> None:
        self._watch.end()
        await self._conn.close()

    def is_open(self, url: str) -> bool:
        """Say whether it leads where the database is now, and still does."""
        return self._url == url and not self._conn.closed and is_silent(self._socket)

    async def run(self, statement: LiteralString, parameters: Mapping[str, str]) -> list[Row]:
        """Run a statement. After an error of the connection it has to be closed.

        Raises:
            psycopg.Error: as the driver does.
            TimeoutError: the database does not answer.
        """
        deadline = self._loop.call_later(failures.LONGEST_SECONDS, self._watch.fail, TimeoutError())
        try:
            numbered, names = _numbered(statement)
            name = self._prepared.get(numbered) or await self._prepare(numbered)
            self._pg.send_query_prepared(name, [parameters[one].encode() for one in names], result_format=_BINARY)
            result = await self._result()
        finally:
            deadline.cancel()
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    async def _prepare(self, numbered: str) -> bytes:
        name = f"s{len(self._prepared)}".encode()
        self._pg.send_prepare(name, numbered.encode())
        await self._result()
        self._prepared[numbered] = name
        return name

    async def _result(self) -> PGresult:
        """Send what waits to be sent, and wait for all of the answer: the commit may fail after the rows have come."""
        while self._pg.flush():
            await self._watch.writable()
            self._pg.consume_input()
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
            await self._watch.readable()
            self._pg.consume_input()
        return self._pg.get_result()


@lru_cache
def _numbered(statement: str) -> tuple[str, list[str]]:
    """Write named parameters as libpq takes them, and list their names in that order."""
    names = list(dict.fromkeys(_PARAMETER.findall(statement)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names
