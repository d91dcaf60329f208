"""Requests that are sent once each, to a server that notes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.errors import WrongAnswers
from bench.once import send_all, visits, visits_for
from bench.requests import REPORT, request
from bench.walk import Walk

_MANY_BYTES = 300_000


class Noted:
    """What has arrived, and how much of it at once."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.open = self.most_open = 0

    async def answer(self, received: web.Request) -> web.Response:
        self.paths.append(received.path)
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        await received.read()
        await asyncio.sleep(0.01)
        self.open -= 1
        if received.path == "/closed":
            assert received.transport
            received.transport.abort()
        return web.Response(status=503 if received.path == "/refused" else 200, text="x" * _MANY_BYTES)


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
async def url(noted: Noted) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_post("/{path:.*}", noted.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def messages(url: str, *paths: str) -> list[bytes]:
    return [*visits(url, [request(f"POST {path}", [], REPORT) for path in paths], Walk(len(paths)), count=len(paths))]


@pytest.mark.parametrize("connections", [1, 3, 20])
async def test_each_request_is_sent_once(url: str, noted: Noted, connections: int) -> None:
    paths = [f"/{n}" for n in range(10)]

    load = await asyncio.to_thread(send_all, url, messages(url, *paths), connections=connections)

    assert sorted(noted.paths) == paths
    assert noted.most_open == min(connections, len(paths))
    assert (load.requests, load.wrong) == (10, 0)
    assert 10 <= load.p50_ms <= load.p99_ms <= load.slowest_ms <= 1000 * load.seconds


async def test_an_answer_that_is_no_success_is_counted_as_wrong(url: str) -> None:
    load = await asyncio.to_thread(send_all, url, messages(url, "/a", "/refused"), connections=1)

    assert (load.requests, load.wrong) == (2, 1)


async def test_a_closed_connection_spoils_the_load(url: str) -> None:
    with pytest.raises(WrongAnswers, match="closed a connection"):
        await asyncio.to_thread(send_all, url, messages(url, "/closed"), connections=1)


def test_visits_move_the_walk_on_with_its_versions() -> None:
    walk = Walk(devices=2, position=17)

    sent = [*visits("http://h:1", ["$version at $host", "$version"], walk, count=3)]

    assert sent == [b"0000000", b"0000000 at h:1", b"0000001"]
    assert walk.position == 20


def test_visits_for_some_seconds_end_and_count_what_was_sent() -> None:
    walk = Walk(devices=2)

    sent = [*visits_for("http://h:1", ["a", "b"], walk, seconds=0.01)]

    assert len(sent) == walk.position > 2
    assert sent[:3] == [b"a", b"b", b"a"]
