"""Clients that send no more, and a server that is told to stop: what has arrived is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Demo, seed
from tests.server.faults.connections import HEALTHZ, connected, report, reported, settled, tasks, versions


@pytest.fixture
async def stop() -> AsyncGenerator[AsyncExitStack]:
    """What runs the server: to close it is to stop that."""
    async with AsyncExitStack() as stop:
        yield stop


@pytest.fixture
async def http(settings: Settings, database_url: str, stop: AsyncExitStack) -> AsyncGenerator[httpx.AsyncClient]:
    server = await stop.enter_async_context(serving(create_app(settings, database_url), shutdown_seconds=5))
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield http


@pytest.fixture
async def demo(http: httpx.AsyncClient) -> Demo:
    return await seed(http)


async def test_a_client_that_sends_no_more_gets_its_answers_and_then_the_end(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    async with connected(http) as client:
        await client.send(b"".join(report(http, demo, "sent")) + HEALTHZ * 2)
        client.writer.write_eof()

        heads = [await client.head() for _ in range(3)]

        assert [head.split()[1] for head in heads] == ["201", "200", "200"]
        assert ["connection: close" in head for head in heads] == [False, False, True]
        assert await client.reader.read() == b""
    assert await versions(http, demo) == {"sent"}


async def test_a_client_that_sends_no_more_than_half_a_body_is_told_so_and_nothing_is_stored(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    head, body = report(http, demo, "half")
    async with connected(http) as client:
        await client.send(head + body[:5])
        await http.get("/healthz")
        client.writer.write_eof()

        assert await client.status() == 400
        assert await client.reader.read() == b""
    assert await versions(http, demo) == set()


async def test_clients_that_send_no_more_and_do_not_read_leave_nothing_behind(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    before = tasks()
    for number in range(20):
        async with connected(http) as client:
            await client.send(b"".join(report(http, demo, f"{number}")))
            client.writer.write_eof()

    await settled(before)
    await reported(http, demo)


async def test_what_has_begun_to_arrive_before_a_stop_is_answered_and_the_answer_says_that_it_is_the_last(
    http: httpx.AsyncClient, demo: Demo, stop: AsyncExitStack, database_url: str
) -> None:
    await reported(http, demo)
    head, body = report(http, demo, "late")
    async with connected(http) as slow, connected(http) as idle, connected(http) as expecting:
        await idle.send(HEALTHZ)
        assert await idle.status() == 200
        await slow.send(head)
        await expecting.send(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert await expecting.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

        stopping = asyncio.create_task(stop.aclose())
        assert await idle.reader.read() == b""
        await slow.send(body[:5])
        await slow.send(body[5:])
        await expecting.send(body)
        heads = [await slow.head(), await expecting.head()]
        await stopping

        assert sorted(head.split()[1] for head in heads) == ["200", "201"]
        assert all("connection: close" in head for head in heads)
    with psycopg.connect(database_url) as conn:
        stored = conn.execute("select version, report_count from device_firmware").fetchall()
    assert stored == [("late", 2)]


async def test_a_body_that_does_not_come_holds_a_stop_up_no_longer_than_it_may_take(
    http: httpx.AsyncClient, demo: Demo, stop: AsyncExitStack
) -> None:
    head, _ = report(http, demo, "never")
    async with connected(http) as client:
        await client.send(head)
        await http.get("/healthz")
        async with asyncio.timeout(5 + 5):
            await stop.aclose()
