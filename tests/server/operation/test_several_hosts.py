"""A database URL that names several machines, one of which may not answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from firmtrail_server.db import Address, Database, Drain, Link, Transaction, connection_limits
from firmtrail_server.db.pooling import Between, find_between
from firmtrail_server.db.schema import connecting, migrate
from firmtrail_server.process.serving import check_schema


@pytest.fixture
def silent_port() -> Generator[int]:
    """A machine that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
async def url(database_url: str, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str]:
    """The silent machine first, then the database; only the URL's own connect_timeout gets past the former."""
    monkeypatch.setitem(connection_limits._LIMITS, "connect_timeout", 1000)  # pyright: ignore[reportPrivateUsage]
    of = conninfo_to_dict(database_url)
    async with asyncio.timeout(60):
        yield _url(of, f"127.0.0.1,{of['host']}", f"{silent_port},{of.get('port', 5432)}")


async def test_the_link_reaches_the_host_that_answers(url: str) -> None:
    link = Link(url)

    assert await link.run("select 1", {}) == [(1,)]

    await link.close()


async def test_the_pool_reaches_the_host_that_answers(url: str) -> None:
    async def one(conn: psycopg.AsyncConnection[tuple[int]]) -> tuple[int] | None:
        return await (await conn.execute("select 1")).fetchone()

    database = Database(url)
    await database.open()

    assert await database.run(Transaction.READ, one) == (1,)

    await database.close()


async def test_the_start_reaches_the_host_that_answers(url: str) -> None:
    await check_schema(url)

    assert await find_between(url) is Between.NOTHING


async def test_migrations_reach_the_host_that_answers(url: str, tmp_path: Path) -> None:
    (tmp_path / "9001.one.sql").write_text("create table if not exists one (id int primary key)")

    assert await asyncio.to_thread(migrate, url, folder=tmp_path) == ["9001.one"]


async def test_exports_reach_the_host_that_answers(url: str) -> None:
    drain = Drain(url, 60, lambda: None)

    assert await asyncio.to_thread(lambda: [*drain.copy("select 1", {})]) == [(1, b"1\n")]


async def test_exports_as_arrow_reach_the_host_that_answers(url: str) -> None:
    pytest.importorskip("adbc_driver_postgresql")
    nanoarrow = pytest.importorskip("nanoarrow")
    drain = Drain(url, 60, lambda: None)

    batches = await asyncio.to_thread(lambda: [*drain.batches("select 1 as one", {})])

    assert [nanoarrow.Array(batch).to_pylist() for batch in batches] == [[{"one": 1}]]


@pytest.mark.parametrize(("said", "milliseconds"), [("", "10000"), ("&tcp_user_timeout=3000", "3000")])
async def test_a_machine_that_is_gone_is_noticed_unless_the_url_says_otherwise(
    url: str, said: str, milliseconds: str
) -> None:
    serving = await Address(url + said).connect()
    with await asyncio.to_thread(connecting.connect, url + said) as migrating:
        limits = [one.info.get_parameters()["tcp_user_timeout"] for one in (serving, migrating)]
    await serving.close()

    assert limits == [milliseconds, milliseconds]


def _url(of: Mapping[str, Any], hosts: str, ports: str) -> str:
    login = quote(str(of["user"])) + (f":{quote(str(of['password']))}" if "password" in of else "")
    places = f"host={quote(hosts, safe='')}&port={ports}"
    return f"postgresql://{login}@/{of['dbname']}?{places}&connect_timeout=2&target_session_attrs=read-write"
