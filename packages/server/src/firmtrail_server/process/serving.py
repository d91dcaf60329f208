"""Serving in the foreground until a signal asks to stop."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable, Sequence

import psycopg

from firmtrail_server.app import create_app
from firmtrail_server.auth.failure_counts import FailureMemory
from firmtrail_server.db.connection_limits import conninfo
from firmtrail_server.db.pooling import refuse_transaction_pooling
from firmtrail_server.db.schema import SchemaTooOld, migrate, pending_migrations
from firmtrail_server.db.schema.errors import explained
from firmtrail_server.http.server import HttpServer, running_http
from firmtrail_server.process.signals import ended_by_signals
from firmtrail_server.process.sockets import CannotListen, reason_of
from firmtrail_server.settings import Settings, SettingsReader
from firmtrail_server.telemetry.metrics import Metrics

SHUTDOWN_TIMEOUT_SECONDS = 10
#: between two garbage collections: the default of 700 is a few requests, and all that are being answered would be
#: looked through again and again
_NEW_OBJECTS = 10_000


async def serve(  # noqa: PLR0913  the last three are a worker's, and an operator's
    settings: Settings,
    database_url: str,
    sockets: Sequence[socket.socket],
    ready: Callable[[], None],
    *,
    metrics: Metrics | None = None,
    failures: FailureMemory | None = None,
    reader: SettingsReader | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, and say when it is ready; requests that were accepted are answered.

    Raises:
        DatabaseNotReachable: there is no database at the URL.
        SchemaAccessRefused: the database's user may not read what migrations it has.
        SchemaTooOld: it lacks migrations that this server needs.
        TransactionPooling: it is reached through a pooler that keeps no session together.
        CannotListen: somebody else was faster to listen on the address.
    """
    with ended_by_signals():
        await check_schema(database_url)
        app = create_app(settings, database_url, metrics=metrics, failures=failures, reader=reader)
        async with app.running(), running_http(app.dispatcher, shutdown_timeout=SHUTDOWN_TIMEOUT_SECONDS) as server:
            await _listen(server, settings, sockets)
            collect_rarely()
            ready()
            await asyncio.Event().wait()


def collect_rarely() -> None:
    """Leave what the start has made out of garbage collections, and begin one less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


async def check_schema(database_url: str) -> None:
    """Raise `SchemaError` unless the database has all that this server needs, and `TransactionPooling`."""
    with explained():
        await refuse_transaction_pooling(database_url)
    if pending := await pending_at(database_url):
        raise SchemaTooOld(pending)


def migrated(database_url: str) -> list[str]:
    """Bring the schema up to date and return what was applied.

    Raises:
        SchemaError, TransactionPooling: it cannot be changed, or not through this pooler.
    """
    with explained():
        asyncio.run(refuse_transaction_pooling(database_url))
    return migrate(database_url)


async def pending_at(database_url: str) -> list[str]:
    """List the migrations that the database lacks; nothing is changed there.

    Raises:
        SchemaError: it cannot be asked.
    """
    with explained():
        async with await psycopg.AsyncConnection.connect(conninfo(database_url), autocommit=True) as conn:
            return await pending_migrations(conn)


async def _listen(server: HttpServer, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    try:
        for one in sockets:
            await server.listen(one)
    except OSError as error:
        raise CannotListen(settings.host, settings.port, reason_of(error)) from error
