"""Receivers of webhooks on loopback: one that keeps what it got, and ways to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs

PATIENCE_SECONDS = 60


@attrs.frozen
class Received:
    """A request."""

    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    @property
    def number(self) -> int:
        return self.message["data"]["change"]["number"]


#: What a receiver does about a request, whose number is 1, 2, 3, ...
Behaviour = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


def answering(*statuses: int) -> Behaviour:
    """Answer with one status after the other, and from then on with the last one."""

    async def behave(writer: asyncio.StreamWriter, nth: int) -> None:
        status = statuses[min(nth, len(statuses)) - 1]
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return behave


def busy(retry_after: str) -> Behaviour:
    """Ask to be left alone."""

    async def behave(writer: asyncio.StreamWriter, _: int) -> None:
        writer.write(f"HTTP/1.1 503 Busy\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return behave


def redirecting(to: str) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter, _: int) -> None:
        writer.write(f"HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return behave


async def hanging(_writer: asyncio.StreamWriter, _: int) -> None:
    await asyncio.Event().wait()


async def dripping(writer: asyncio.StreamWriter, _: int) -> None:
    """Send a head that never ends, a letter at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.01)


async def breaking_off(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()


async def endless_head(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"a" * 1_000 + b"\r\n")
        await writer.drain()


async def only_informational(writer: asyncio.StreamWriter, _: int) -> None:
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 1_000)
        await writer.drain()


async def informational_first(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 10 + b"HTTP/1.1 204 No Content\r\n\r\n")
    await writer.drain()


async def no_http(writer: asyncio.StreamWriter, _: int) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


@attrs.define
class Receiver:
    """What a receiver got, and where it is."""

    behave: Behaviour = attrs.field(factory=lambda: answering(204))
    host: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    received: list[Received] = attrs.field(factory=list[Received])
    _arrived: asyncio.Condition = attrs.field(factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.received]

    async def wait_for(self, count: int) -> list[Received]:
        """Wait until so many requests have come in all."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._take(reader)
                await self.behave(writer, len(self.received))
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> None:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        async with self._arrived:
            self.received.append(Received(head.split()[1], headers, body))
            self._arrived.notify_all()


@asynccontextmanager
async def receiving(behave: Behaviour | None = None, host: str = "127.0.0.1") -> AsyncGenerator[Receiver]:
    """Receive on a port that is free."""
    receiver = Receiver(behave or answering(204), host)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, host, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
