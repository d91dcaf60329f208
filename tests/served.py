"""A server within the test's own process, as `firmtrail-server serve` runs one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

from firmtrail_server.app import App
from firmtrail_server.http.connection import HEAD_SECONDS
from firmtrail_server.http.context import Services
from firmtrail_server.http.server import running_http


@attrs.frozen
class Server:
    """One that runs."""

    app: App
    host: str
    port: int

    @property
    def services(self) -> Services:
        return self.app.services

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def serving(
    app: App, *, head_seconds: float = HEAD_SECONDS, shutdown_seconds: float = 1
) -> AsyncGenerator[Server]:
    """Serve on a port that is free."""
    async with (
        app.running(),
        running_http(app.dispatcher, head_seconds=head_seconds, shutdown_timeout=shutdown_seconds) as server,
    ):
        await server.listen(("127.0.0.1", 0))
        yield Server(app, "127.0.0.1", server.port)
