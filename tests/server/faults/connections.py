"""Connections on which a test writes and reads bytes as it likes, and what the server has made of them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from tests.server.conftest import Demo

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
TIMEOUT_SECONDS = 60


class Client:
    """A connection on which a test writes and reads bytes as it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def drip(self, data: bytes) -> None:
        """Send byte by byte, until the server has had enough."""
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async def head(self) -> str:
        """Read one answer, and return its head in lower case."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line.partition(":")[2] for line in head.splitlines() if line.startswith("content-length:"))
        await self.reader.readexactly(int(length))
        return head

    async def status(self) -> int:
        """Read one answer."""
        return int((await self.head()).split()[1])

    def abort(self) -> None:
        self.writer.transport.abort()

    def reset(self) -> None:
        """Hang up so that the server cannot take it for the end of what is sent."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()


@asynccontextmanager
async def connected(http: httpx.AsyncClient) -> AsyncGenerator[Client]:
    url = urlsplit(str(http.base_url))
    client = Client(*await asyncio.open_connection(url.hostname, url.port))
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield client
    finally:
        client.abort()


def report(http: httpx.AsyncClient, demo: Demo, version: str) -> tuple[bytes, bytes]:
    """The head and the body of a report."""
    request = http.build_request("POST", demo.path, json={"version": version})
    request = next(httpx.BasicAuth(*demo.device_key).auth_flow(request))
    lines = [f"POST {demo.path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode(), request.content


async def reported(http: httpx.AsyncClient, demo: Demo, version: str = "ok") -> None:
    (await http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


async def versions(http: httpx.AsyncClient, demo: Demo) -> set[str]:
    items = (await http.get(demo.path, auth=demo.project_key)).raise_for_status().json()["items"]
    return {period["version"] for period in items}


def tasks() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if not task.done()}


async def settled(before: set[asyncio.Task[object]]) -> None:
    """Wait until every task that has begun since is over."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while tasks() - before:  # noqa: ASYNC110  there is no event for the end of other people's tasks
            await asyncio.sleep(0.01)
