"""The link that runs statements: their values, their errors, and what becomes of it when it breaks."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncGenerator

import psycopg
import pytest

from firmtrail_server.db import Link, Transaction, failures
from firmtrail_server.errors import DatabaseUnavailable


@pytest.fixture
async def connected(database_url: str) -> AsyncGenerator[Link]:
    connected = Link(database_url)
    yield connected
    await connected.close()


async def test_values_go_in_as_text_and_come_back_as_what_they_are(connected: Link) -> None:
    rows = await connected.run(
        "select %(one)s::int8, %(text)s::text, null, %(one)s::int8 + 1, %(id)s::uuid, %(at)s::timestamptz",
        {"one": "1", "text": "a {b}, 'c' \\ 🙂", "id": str(uuid.UUID(int=7)), "at": "2026-06-01T12:00:00.5+00:00"},
    )

    moment = dt.datetime(2026, 6, 1, 12, 0, 0, 500_000, dt.UTC)
    assert rows == [(1, "a {b}, 'c' \\ 🙂", None, 2, uuid.UUID(int=7), moment)]


async def test_more_than_fits_into_the_socket_goes_out_and_comes_back(connected: Link) -> None:
    text = "x" * 8_000_000

    assert await connected.run("select %(text)s::text", {"text": text}) == [(text,)]


async def test_a_statement_that_fails_leaves_the_connection_usable(connected: Link) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await connected.run("select 1 / %(zero)s::int8", {"zero": "0"})
    with pytest.raises(psycopg.errors.SyntaxError):
        await connected.run("select select", {})

    assert await connected.run("select 'works'", {}) == [("works",)]


@pytest.mark.parametrize(
    ("isolation", "level"), [(Transaction.INGEST, "read committed"), (Transaction.WRITE, "serializable")]
)
async def test_its_statements_are_isolated_as_wanted(database_url: str, isolation: Transaction, level: str) -> None:
    connected = Link(database_url, isolation=isolation)

    assert await connected.run("select current_setting('transaction_isolation')", {}) == [(level,)]
    await connected.close()


async def test_one_that_is_ended_in_the_middle_of_a_statement_is_unavailable_and_the_next_is_another(
    connected: Link,
) -> None:
    with pytest.raises(DatabaseUnavailable):
        await connected.run("select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)", {})

    assert await connected.run("select 'works'", {}) == [("works",)]


async def test_a_statement_that_takes_too_long_is_given_up_with_its_connection(
    connected: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await connected.run("select pg_backend_pid()", {})
    monkeypatch.setattr(failures, "LONGEST_SECONDS", 0.05)
    with pytest.raises(DatabaseUnavailable):
        await connected.run("select pg_sleep(10)", {})
    monkeypatch.undo()

    assert await connected.run("select pg_backend_pid()", {}) != before


async def test_a_commit_that_fails_after_the_rows_have_come_is_an_error_and_stores_nothing(
    connected: Link, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "create table part (id int8 primary key, whole int8 references part deferrable initially deferred)"
        )
        orphan = "insert into part (id, whole) values (%(id)s, 0) returning id"

        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            await connected.run(orphan, {"id": "1"})

        assert conn.execute("select id from part").fetchall() == []
    assert await connected.run("select 'works'", {}) == [("works",)]
