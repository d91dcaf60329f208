"""Our server, but each report is a transaction of its own: what gathering is worth."""

from __future__ import annotations

import asyncio
import os
import sys

import attrs
import uvloop
from aiohttp import web

from firmtrail_contract import FirmwareReceipt
from firmtrail_server import recording
from firmtrail_server.app import App, create_app
from firmtrail_server.db import Database
from firmtrail_server.gathering import Recorder
from firmtrail_server.http.front import Front
from firmtrail_server.http.protocol import running_http
from firmtrail_server.meaning import Report
from firmtrail_server.routes import ROUTES
from firmtrail_server.settings import Settings
from firmtrail_server.writer import Writer


class OneByOne(Recorder):
    """Stores every report through the pool, as any other request does."""

    def __init__(self, database: Database, url: str) -> None:
        super().__init__(database, Writer(url))
        self._pool = database

    async def record(self, report: Report) -> list[FirmwareReceipt]:
        return await self._pool.retried(lambda conn: recording.record_alone(conn, report))


async def serve(url: str) -> None:
    app = create_app(Settings(), url)
    services = attrs.evolve(app.services, recorder=OneByOne(app.services.database, url))
    app = App(services, Front(ROUTES, services))
    async with app.running(), running_http(app.front, shutdown_timeout=1) as runner:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stderr.write(f"ungathered: listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(os.environ["FIRMTRAIL_DATABASE_URL"]))
