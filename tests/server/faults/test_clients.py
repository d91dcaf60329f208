"""Clients that hang up, drip, do not read, or come in crowds: the server stays responsive to the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.http import connection, requests
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Demo, seed
from tests.server.faults.connections import HEALTHZ, connected, report, reported, settled, tasks, versions


@pytest.fixture
async def http(settings: Settings, database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with (
        serving(create_app(settings, database_url), head_seconds=1) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        yield http


@pytest.fixture
async def demo(http: httpx.AsyncClient) -> Demo:
    return await seed(http)


async def test_clients_that_hang_up_in_mid_body_leave_nothing_behind(http: httpx.AsyncClient, demo: Demo) -> None:
    head, body = report(http, demo, "half")
    before = tasks()
    for _ in range(20):
        async with connected(http) as client:
            await client.send(head + body[:5])

    await settled(before)
    await reported(http, demo)
    assert await versions(http, demo) == {"ok"}


async def test_a_client_that_hangs_up_before_its_body_is_read_is_no_mistake_of_the_servers(
    http: httpx.AsyncClient, demo: Demo, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = tasks()
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await conn.execute("lock table api_keys in access exclusive mode")  # whoever asks has to wait
        async with connected(http) as client:
            await client.send(b"".join(report(http, demo, "unread")))
            await http.get("/healthz")
            client.reset()
        await http.get("/healthz")

    await settled(before)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert await versions(http, demo) <= {"unread"}  # all of it had arrived


async def test_clients_that_hang_up_before_the_answer_leave_nothing_behind(
    http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    await reported(http, demo)
    before = tasks()
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await conn.execute("lock table device_firmware in access exclusive mode")
        for number in range(20):
            async with connected(http) as client:
                await client.send(b"".join(report(http, demo, f"{number}")))
        await http.get("/healthz")  # answered while they wait

    await settled(before)
    await reported(http, demo)
    assert await versions(http, demo) >= {"ok"}


async def test_a_head_that_drips_is_given_up(http: httpx.AsyncClient) -> None:
    async with connected(http) as client:
        with pytest.raises(ConnectionError):
            await client.drip(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 8_000)


async def test_a_connection_that_never_asks_is_given_up(http: httpx.AsyncClient) -> None:
    async with connected(http) as client:
        assert await client.reader.read() == b""


async def test_a_body_that_drips_is_refused_with_a_problem_and_not_stored(
    http: httpx.AsyncClient, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.2)
    head, body = report(http, demo, "slow")
    async with connected(http) as client:
        await client.send(head)
        dripping = asyncio.create_task(client.drip(body[:-1]))
        await reported(http, demo)
        answer = await client.reader.readuntil(b"}")
        dripping.cancel()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"
    assert await versions(http, demo) == {"ok"}


async def test_a_client_that_reads_no_answers_is_given_up(
    http: httpx.AsyncClient, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READING_SECONDS", 0.5)
    async with connected(http) as client:
        with pytest.raises(ConnectionError):  # noqa: PT012  others are served until then
            while True:
                await client.send(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                await reported(http, demo)


async def test_pipelined_requests_are_answered_in_their_order(http: httpx.AsyncClient, demo: Demo) -> None:
    good, missing = HEALTHZ, HEALTHZ.replace(b"healthz", b"nothing")
    async with connected(http) as client:
        await client.send((good + missing) * 100)

        assert [await client.status() for _ in range(200)] == [200, 404] * 100


async def test_many_idle_connections_keep_nobody_out(http: httpx.AsyncClient, demo: Demo) -> None:
    async with AsyncExitStack() as idle:
        for _ in range(500):
            client = await idle.enter_async_context(connected(http))
            await client.send(HEALTHZ)

        await reported(http, demo)
        assert await versions(http, demo) == {"ok"}
