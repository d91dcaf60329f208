"""Whoever waits for a socket of the database's is woken, also by an error of the socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from firmtrail_server.db.socket_watch import SocketWatch

Run = Callable[[Coroutine[Any, Any, None]], None]
#: far more than any wait here may take
LONGEST_SECONDS = 10


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return request.param


@pytest.fixture
def ends() -> Generator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    yield ours, theirs
    ours.close()
    theirs.close()


async def received(watch: SocketWatch, ours: socket.socket) -> bytes:
    """Wait for something; it may be woken in vain, as asyncio does once after each byte."""
    while True:
        await watch.readable()
        with suppress(BlockingIOError):
            return ours.recv(10)


def test_what_arrives_wakes_again_and_again(run: Run, ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends

    async def scenario() -> None:
        watch = SocketWatch(ours.fileno())
        for _ in range(3):
            asyncio.get_running_loop().call_later(0.01, theirs.send, b"x")
            async with asyncio.timeout(LONGEST_SECONDS):
                assert await received(watch, ours) == b"x"
        watch.end()

    run(scenario())


def test_an_error_of_the_socket_wakes_who_waits_also_after_what_had_arrived_was_read(
    run: Run, ends: tuple[socket.socket, socket.socket]
) -> None:
    """A peer that dies with something unread leaves one; uvloop watches such a socket no longer."""
    ours, theirs = ends

    def die() -> None:
        theirs.send(b"x")
        theirs.close()

    async def scenario() -> None:
        watch = SocketWatch(ours.fileno())
        ours.send(b"never read")
        asyncio.get_running_loop().call_later(0.01, die)
        async with asyncio.timeout(LONGEST_SECONDS):
            assert await received(watch, ours) == b"x"
            with pytest.raises(ConnectionResetError):
                await received(watch, ours)
        watch.end()

    run(scenario())


def test_room_to_send_wakes_who_waits_for_it(run: Run, ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends

    async def scenario() -> None:
        watch = SocketWatch(ours.fileno())
        try:
            while True:
                ours.send(bytes(100_000))
        except BlockingIOError:
            pass
        asyncio.get_running_loop().call_later(0.01, theirs.recv, 10_000_000)
        async with asyncio.timeout(LONGEST_SECONDS):
            await watch.writable()
        assert ours.send(b"more")
        watch.end()

    run(scenario())


def test_an_error_reaches_who_waits(run: Run, ends: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = ends

    async def scenario() -> None:
        watch = SocketWatch(ours.fileno())
        asyncio.get_running_loop().call_later(0.01, watch.fail, TimeoutError())
        with pytest.raises(TimeoutError):
            await watch.readable()
        watch.end()

    run(scenario())
