"""A server that answers as it is told, as no server should.

`firmtrail.testing` offers nothing of this, and should not: its stand-in answers as the server does, without a socket.
Here connections break within an answer, bytes drip, and answers break the contract or come from a newer server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import attrs
import pytest

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@attrs.define
class MisbehavingServer:
    """Answers each request as the next behaviour in line says, and counts the requests."""

    url: str = ""
    behaviours: list[Behaviour] = attrs.field(factory=list[Behaviour])
    requests: list[bytes] = attrs.field(factory=list[bytes])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
            self.requests.append(head + await reader.readexactly(int(length[0]) if length else 0))
            await self.behaviours.pop(0)(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def misbehaving() -> AsyncGenerator[MisbehavingServer]:
    misbehaving = MisbehavingServer()
    listening = await asyncio.start_server(misbehaving.serve, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    misbehaving.url = f"http://{host}:{port}"
    yield misbehaving
    listening.close()


def answering(status: int, body: str = "{}", **headers: str) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        lines = [
            f"HTTP/1.1 {status} X",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
            "Connection: close",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()

    return behave


async def hanging_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, for ever: each read succeeds, the answer never ends."""
    writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)
