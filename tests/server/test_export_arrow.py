"""Arrow as the server writes it: what pyarrow and polars read of it, and what a wait for the database stops."""

from __future__ import annotations

import datetime as dt
import queue
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import polars as pl
import psycopg
import pytest

from firmtrail_contract import ARROW_KEY, ExportEnd, ExportMarker, ExportStart
from firmtrail_server.db import Drain
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.exports.arrow import ArrowFormat

ipc: Any = import_module("pyarrow.ipc")

_PATIENCE_SECONDS = 30
_START = ExportStart(as_of=dt.datetime(2026, 5, 3, tzinfo=dt.UTC), resumable=False)


def never() -> None:
    """Nothing ends the reading."""


@pytest.mark.parametrize("length", range(9))
def test_a_record_of_any_length_is_a_valid_batch_without_rows(length: int) -> None:
    form = ArrowFormat()
    content = form.begin(ExportMarker(start=_START))
    content += form.marker(ExportMarker(end=ExportEnd(rows=7, sha256="x" * length))) + form.end()

    batch, metadata = ipc.open_stream(content).read_next_batch_with_custom_metadata()

    batch.validate(full=True)
    assert metadata[ARROW_KEY] == b'{"end":{"rows":7,"sha256":"%b"}}' % (b"x" * length)
    assert pl.read_ipc_stream(content).shape == (0, 10)


def test_a_wait_for_the_database_leaves_other_threads_running(database_url: str) -> None:
    given = queue.Queue[int]()

    def read() -> None:
        statement = """
            select repeat('x', 3000000), case when n = 4 then pg_advisory_lock(7)::text end
              from generate_series(1, 4) as n
            """  # before version 17 PostgreSQL keeps the end of a row until the next one fills its buffer
        for batch in Drain(database_url, _PATIENCE_SECONDS, never).batches(statement, {}):
            given.put(batch.length)

    with psycopg.connect(database_url, autocommit=True) as conn, ThreadPoolExecutor(1) as pool:
        conn.execute("select pg_advisory_lock(7)")
        reading = pool.submit(read)
        first = given.get(timeout=_PATIENCE_SECONDS)
        conn.execute("select pg_advisory_unlock(7)")  # the thread waits for it, and must not keep this one waiting
        reading.result(timeout=_PATIENCE_SECONDS)

    assert [first, *(given.get_nowait() for _ in range(3))] == [1, 1, 1, 1]


def test_a_statement_that_fails_after_its_first_rows_is_an_error(database_url: str) -> None:
    batches = Drain(database_url, _PATIENCE_SECONDS, never).batches(
        "select repeat('x', 3000000), 1 / (3 - n) from generate_series(1, 3) as n", {}
    )

    with pytest.raises(DatabaseUnavailable):
        assert [batch.length for batch in batches] == [1, 1]
