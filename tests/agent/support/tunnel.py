"""An HTTP proxy that lets connections through: CONNECT, and then bytes both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def tunnelling() -> AsyncGenerator[tuple[str, list[str]]]:
    """Give the proxy's URL, and the places to which it was asked to lead."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            method, place, *_ = (await reader.readuntil(b"\r\n\r\n")).decode().split()
            assert method == "CONNECT"
            asked.append(place)
            host, _, port = place.partition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield "http://127.0.0.1:{1}".format(*listening.sockets[0].getsockname()), asked


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
    writer.close()
