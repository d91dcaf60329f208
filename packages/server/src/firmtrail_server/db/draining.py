"""Large results, read within a thread over a connection of their own: `COPY` of text, and Arrow where it is installed.

The pool knows nothing of them: a result that takes a minute would keep others waiting.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib import import_module
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from firmtrail_server.db.arrow_streams import ArrowStreamBroken, batches_of
from firmtrail_server.db.connection_limits import conninfo
from firmtrail_server.errors import DatabaseUnavailable, ExportTooLong

#: between columns; no text of ours holds it, and `COPY` would mark one that does
SEPARATOR = b"\x01"
#: what stands for null, as no text of ours does
NULL = b"\x04"

#: of text: in smaller ones a row costs the thread that reads less, and the event loop more
_BLOCK_BYTES = 256 * 1024
_BATCH_BYTES = 2 * 1024 * 1024
#: makes libpq's buffer large enough for all that a socket holds; it has 16 KiB and grows with the largest row
_ENLARGE = "select repeat(' ', 262144)"
#: how long a wait for the database goes on after it became pointless
_LOOK_SECONDS = 0.5
_PARAMETER = re.compile(r"%\((\w+)\)s")
#: By statements, and not at the start of the connection: a session that begins as read-only is refused where the URL
#: says target_session_attrs=read-write.
_SESSION = (
    "set timezone = 'UTC'",
    "set datestyle = 'ISO'",
    "set default_transaction_isolation = 'repeatable read'",
    "set default_transaction_read_only = on",
    "set statement_timeout = {:d}",
    # the names of 100,000 devices, and a stretch's rows in order, do not fit in 4 MB; CockroachDB has no such setting
    "select set_config(name, '32MB', false) from pg_settings where name = 'work_mem'",
    # background work keeps one process busy, and several need more CPU time for a stretch
    "select set_config(name, '0', false) from pg_settings where name = 'max_parallel_workers_per_gather'",
)


class Drain:
    """Reads results, each a transaction of its own: one snapshot, and at most `seconds` long.

    `check` is called now and then; what it raises ends the reading. Whoever reads slower than the database writes is
    cut off when the time is over: nobody keeps a snapshot open at his own pace.
    """

    def __init__(self, url: str, seconds: float, check: Callable[[], None]) -> None:
        self._conninfo = conninfo(url)
        self._session = [one.format(round(seconds * 1000)) for one in _SESSION]
        self.seconds = seconds
        self._check = check
        self._ends_at = 0.0

    def copy(self, statement: LiteralString, parameters: Mapping[str, object]) -> Iterator[tuple[int, bytes]]:
        """Give a number of rows and their text, again and again: columns end with `SEPARATOR`, rows with a line break.

        What is null is `NULL`, and a backslash is written as two.

        Raises:
            DatabaseUnavailable: there is no connection to be had, or it broke.
            ExportTooLong: it took longer than it may.
        """
        self._ends_at = time.monotonic() + self.seconds
        text = f"copy ({_written(statement, parameters)}) to stdout with (delimiter E'\\x01', null E'\\x04')"
        with self._refusing(), psycopg.connect(self._conninfo, autocommit=True) as conn:
            try:
                conn.execute("; ".join([*self._session, _ENLARGE]).encode())  # allow unreadable: they are above
                readable = select.poll()
                readable.register(conn.pgconn.socket, select.POLLIN)
                self._begin(conn, text, readable)
                yield from self._blocks(conn, readable)
            except BaseException:
                conn.cancel_safe(timeout=1)  # or it would go on until it has something to send
                conn.close()
                raise

    def batches(self, statement: LiteralString, parameters: Mapping[str, object]) -> Iterator[Any]:
        """Give record batches, as arrays of nanoarrow.

        Raises:
            ImportError: the extra `arrow` is not installed.
            DatabaseUnavailable, ExportTooLong: as `copy`.
        """
        adbc, manager = import_module("adbc_driver_postgresql"), import_module("adbc_driver_manager")
        self._ends_at = time.monotonic() + self.seconds
        try:
            with (
                adbc.connect(self._conninfo) as database,
                manager.AdbcConnection(database) as conn,
                manager.AdbcStatement(conn) as reading,
            ):
                for setting in self._session:
                    reading.set_sql_query(setting)
                    reading.execute_update()
                reading.set_options(**{adbc.StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)})
                reading.set_sql_query(_written(statement, parameters))
                with closing(batches_of(reading.execute_query()[0])) as batches:
                    yield from self._looked_after(batches)
        except (manager.Error, ArrowStreamBroken) as error:
            raise self._refusal(error, getattr(error, "sqlstate", None)) from error

    def _looked_after(self, batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            self.look()
            yield batch
            self.look()

    def _begin(self, conn: psycopg.Connection, text: str, readable: select.poll) -> None:
        conn.pgconn.send_query(text.encode())
        conn.pgconn.flush()  # it is small enough for the socket
        while conn.pgconn.is_busy():
            self._wait(conn, readable)
        _expect(conn.pgconn.get_result(), ExecStatus.COPY_OUT)

    def _blocks(self, conn: psycopg.Connection, readable: select.poll) -> Iterator[tuple[int, bytes]]:
        """Gather what arrives, row by row: a call of libpq each, and no iterator of the driver's around it.

        No row is kept as an object of its own: a list of thousands is what the garbage collector would look through.
        """
        take, rows, block = conn.pgconn.get_copy_data, 0, bytearray()
        length, row = take(1)
        while length >= 0:
            while length > 0:  # what libpq has
                block += row
                rows += 1
                length, row = take(1)
            if len(block) >= _BLOCK_BYTES:
                yield rows, bytes(block)
                rows = 0
                block.clear()
            if length == 0:
                self._wait(conn, readable)
                length, row = take(1)
        _expect(conn.pgconn.get_result(), ExecStatus.COMMAND_OK)
        conn.pgconn.get_result()  # there is none: the connection is idle again
        if rows:
            yield rows, bytes(block)

    def _wait(self, conn: psycopg.Connection, readable: select.poll) -> None:
        while not readable.poll(_LOOK_SECONDS * 1000):
            self.look()
        self.look()
        conn.pgconn.consume_input()

    def look(self) -> None:
        """Raise what ends the reading, if it has to end."""
        self._check()
        if time.monotonic() > self._ends_at:
            raise ExportTooLong(self.seconds)

    @contextmanager
    def _refusing(self) -> Generator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._refusal(error, error.sqlstate) from error

    def _refusal(self, error: Exception, sqlstate: str | None) -> Exception:
        if sqlstate == psycopg.errors.QueryCanceled.sqlstate or time.monotonic() > self._ends_at:
            return ExportTooLong(self.seconds)
        return DatabaseUnavailable(error)


def _expect(result: PGresult | None, status: ExecStatus) -> None:
    if result is None:
        raise psycopg.OperationalError("the connection is lost")
    if result.status != status:
        raise error_from_result(result)


def _written(statement: LiteralString, parameters: Mapping[str, object]) -> str:
    """Write the parameters into a statement: `COPY` takes none beside it."""
    return _PARAMETER.sub(lambda found: sql.Literal(parameters[found[1]]).as_string(), statement)
