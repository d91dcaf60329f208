"""One connection that runs statements: their values, their errors, and what becomes of it when it breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import psycopg
import pytest

from firmtrail_server import db
from firmtrail_server.errors import DatabaseUnavailable
from firmtrail_server.writer import Link, Writer


@pytest.fixture
async def writer(database_url: str) -> AsyncGenerator[Writer]:
    writer = Writer(database_url)
    yield writer
    await writer.close()


async def test_values_come_back_as_text(writer: Writer) -> None:
    rows = await writer.retried(
        lambda link: link.run(
            "select %(one)s::int8, %(text)s::text, null, %(one)s::int8 + 1", {"one": "1", "text": "a {b}, 'c' \\ 🙂"}
        )
    )

    assert rows == [("1", "a {b}, 'c' \\ 🙂", None, "2")]


async def test_more_than_fits_into_the_socket_goes_out_and_comes_back(writer: Writer) -> None:
    text = "x" * 8_000_000

    assert await writer.retried(lambda link: link.run("select %(text)s::text", {"text": text})) == [(text,)]


async def test_a_statement_that_fails_leaves_the_connection_usable(writer: Writer) -> None:
    async def fails_then_works(link: Link) -> object:
        with pytest.raises(psycopg.errors.DivisionByZero):
            await link.run("select 1 / %(zero)s::int8", {"zero": "0"})
        with pytest.raises(psycopg.errors.SyntaxError):
            await link.run("select select", {})
        return await link.run("select 'works'", {})

    assert await writer.retried(fails_then_works) == [("works",)]


async def test_a_transaction_is_stored_whole_or_not_at_all(writer: Writer, database_url: str) -> None:
    insert = "insert into projects (name) values (%(name)s)"

    async def half(link: Link) -> None:
        async with link.transaction():
            await link.run(insert, {"name": "lost"})
            await link.run("select 1 / %(zero)s::int8", {"zero": "0"})

    async def whole(link: Link) -> None:
        async with link.transaction():
            await link.run(insert, {"name": "kept"})

    with pytest.raises(psycopg.errors.DivisionByZero):
        await writer.retried(half)
    await writer.retried(whole)

    with psycopg.connect(database_url) as conn:
        assert conn.execute("select name from projects where name in ('lost', 'kept')").fetchall() == [("kept",)]


async def test_one_that_is_ended_in_the_middle_of_a_statement_is_unavailable_and_the_next_is_another(
    writer: Writer,
) -> None:
    me = "select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)"
    with pytest.raises(DatabaseUnavailable):
        await writer.retried(lambda link: link.run(me, {}))

    assert await writer.retried(lambda link: link.run("select 'works'", {})) == [("works",)]


async def test_a_statement_that_takes_too_long_is_given_up_with_its_connection(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await writer.retried(lambda link: link.run("select pg_backend_pid()", {}))
    monkeypatch.setattr(db, "LONGEST_SECONDS", 0.05)
    with pytest.raises(DatabaseUnavailable):
        await writer.retried(lambda link: link.run("select pg_sleep(10)", {}))
    monkeypatch.undo()

    assert await writer.retried(lambda link: link.run("select pg_backend_pid()", {})) != before


async def test_a_commit_that_fails_after_the_rows_have_come_is_an_error_and_stores_nothing(
    writer: Writer, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "create table part (id int8 primary key, whole int8 references part deferrable initially deferred)"
        )
        orphan = "insert into part (id, whole) values (%(id)s, 0) returning id"

        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            await writer.retried(lambda link: link.run(orphan, {"id": "1"}))

        assert conn.execute("select id from part").fetchall() == []
    assert await writer.retried(lambda link: link.run("select 'works'", {})) == [("works",)]
