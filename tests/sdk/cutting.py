"""A way to a server that breaks off: after so many bytes of each answer to an export or an enrollment.

It cuts real connections to the real server, for which the stand-in of `firmtrail.testing` has no sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import attrs

from tests.served import Server


@attrs.define
class Cuts:
    """Where the connections end, one after the other; those after the last are left alone."""

    after_bytes: list[int]
    made: int = 0

    def next(self) -> int | None:
        if self.made >= len(self.after_bytes):
            return None
        self.made += 1
        return self.after_bytes[self.made - 1]


@asynccontextmanager
async def cutting(server: Server, cuts: Cuts) -> AsyncGenerator[str]:
    """Give the URL of a proxy that passes requests on and cuts what comes back."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, from_server = None, None
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            left = cuts.next() if b"/firmware_history" in head or b"/enroll " in head else None
            from_server, to_server = await asyncio.open_connection(server.host, server.port)
            to_server.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            passing = asyncio.create_task(_pass(reader, to_server))
            while chunk := await from_server.read(1000):
                chunk = chunk if left is None else chunk[:left]
                writer.write(chunk)
                await writer.drain()
                left = None if left is None else left - len(chunk)
                if left == 0:
                    break
            passing.cancel()
        for stream in (writer, to_server):
            if stream is not None:
                stream.close()

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with proxy:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1000):
        writer.write(chunk)
