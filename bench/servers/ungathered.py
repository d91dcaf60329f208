"""Our server, but each report is a transaction of its own: what gathering is worth."""

from __future__ import annotations

import asyncio
import os
import sys

import attrs
import uvloop

from firmtrail_server.app import App, create_app
from firmtrail_server.db import Database, Transaction
from firmtrail_server.history.timeline import Record
from firmtrail_server.http.dispatch import Dispatcher
from firmtrail_server.http.server import running_http
from firmtrail_server.ingest import Ingest, Outcome, Submission
from firmtrail_server.ingest.rewrite import store_records
from firmtrail_server.routes import ROUTES
from firmtrail_server.settings import Settings


class OneByOne(Ingest):
    """Stores every report through the pool, as any other request does."""

    def __init__(self, database: Database, url: str) -> None:
        super().__init__(database, url)
        self._pool = database

    async def submit(self, submission: Submission) -> list[Outcome]:
        sender, received_at, record, _ = submission
        assert isinstance(record, Record)
        ((stored,),) = await self._pool.run(Transaction.INGEST, store_records, sender, received_at, [record])
        return [Outcome(record.first, record.last, [stored.outcome])]


async def serve(url: str) -> None:
    app = create_app(Settings(), url)
    services = attrs.evolve(app.services, ingest=OneByOne(app.services.database, url))
    app = App(services, Dispatcher(ROUTES, services), app.rotation)
    async with app.running(), running_http(app.dispatcher, shutdown_timeout=1) as server:
        await server.listen(("127.0.0.1", 0))
        sys.stderr.write(f"ungathered: listening on http://127.0.0.1:{server.port}\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(os.environ["FIRMTRAIL_DATABASE_URL"]))
