"""Listening: each client that connects gets a connection, until the server stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from firmtrail_server.http.connection import HEAD_SECONDS, Connection, Respond
from firmtrail_server.http.dispatch import Dispatcher


@asynccontextmanager
async def running_http(
    dispatcher: Dispatcher, *, head_seconds: float = HEAD_SECONDS, shutdown_timeout: float
) -> AsyncGenerator[HttpServer]:
    """Take requests where the block listens; when it ends, what was taken is answered, and the connections close."""
    server = HttpServer(dispatcher, head_seconds=head_seconds)
    try:
        yield server
    finally:
        dispatcher.end_waits()
        await server.close(shutdown_timeout)


class HttpServer:
    """Where clients connect."""

    def __init__(self, respond: Respond, *, head_seconds: float) -> None:
        self._open_ones = set[Connection]()
        self._make = partial(Connection, respond, self._open_ones, head_seconds)
        self._listeners: list[asyncio.Server] = []

    @property
    def port(self) -> int:
        """The first one that it listens at."""
        return self._listeners[0].sockets[0].getsockname()[1]

    async def listen(self, where: socket.socket | tuple[str, int]) -> None:
        """Take connections at a socket, or at an address.

        Raises:
            OSError: somebody else does.
        """
        loop = asyncio.get_running_loop()
        if isinstance(where, socket.socket):
            self._listeners.append(await loop.create_server(self._make, sock=where))
        else:
            self._listeners.append(await loop.create_server(self._make, *where))

    async def close(self, seconds: float) -> None:
        """Answer what has arrived, also where its body still does, for so many seconds at most."""
        for listener in self._listeners:
            listener.close()
        await asyncio.sleep(0)  # who has just connected gets a connection, to be closed
        open_ones = [*self._open_ones]
        for connection in open_ones:
            connection.close()
        await asyncio.gather(*(connection.closed_within(seconds) for connection in open_ones))
