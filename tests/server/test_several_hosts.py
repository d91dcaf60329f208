"""A database URL that names several machines, one of which may not answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from firmtrail_server.db import Database, Link, Transaction, address
from firmtrail_server.db.schema import migrate
from firmtrail_server.process.serving import check_schema


@pytest.fixture
def silent_port() -> Generator[int]:
    """A machine that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
async def url(database_url: str, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str]:
    """The silent machine first, then the database; only the URL's own connect_timeout gets past the former."""
    monkeypatch.setattr(address, "_CONNECT_SECONDS", 1000)
    of = conninfo_to_dict(database_url)
    async with asyncio.timeout(60):
        yield _url(of, f"127.0.0.1,{of['host']}", f"{silent_port},{of.get('port', 5432)}")


@pytest.fixture
def several(database_url: str, silent_port: int) -> str:
    of = conninfo_to_dict(database_url)
    return _url(of, f"{of['host']},127.0.0.1", f"{of.get('port', 5432)},{silent_port}")


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


async def test_migrations_and_the_start_take_a_url_of_several_hosts(several: str) -> None:
    assert await asyncio.to_thread(migrate, several) == []
    await check_schema(several)


def _url(of: Mapping[str, Any], hosts: str, ports: str) -> str:
    login = quote(str(of["user"])) + (f":{quote(str(of['password']))}" if "password" in of else "")
    places = f"host={quote(hosts, safe='')}&port={ports}"
    return f"postgresql://{login}@/{of['dbname']}?{places}&connect_timeout=2&target_session_attrs=read-write"
