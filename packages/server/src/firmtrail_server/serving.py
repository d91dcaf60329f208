"""Serving in the foreground until a signal asks to stop."""

from __future__ import annotations

import asyncio
import sys

import psycopg
from aiohttp import web

from firmtrail_server.app import create_app
from firmtrail_server.http.protocol import ProblemRunner
from firmtrail_server.schema import SchemaTooOld, pending_migrations
from firmtrail_server.schema.errors import explained
from firmtrail_server.settings import Settings
from firmtrail_server.signals import ended_by_signals

SHUTDOWN_TIMEOUT_SECONDS = 10


class CannotListen(Exception):
    """The address is taken, or not ours."""


async def serve(settings: Settings, database_url: str) -> None:
    """Serve until SIGINT or SIGTERM; requests that were accepted are answered.

    Raises:
        DatabaseNotReachable: there is no database at the URL.
        SchemaAccessRefused: the database's user may not read what migrations it has.
        SchemaTooOld: it lacks migrations that this server needs.
        CannotListen: the address cannot be used.
    """
    with ended_by_signals():
        await check_schema(database_url)
        app = create_app(settings, database_url)
        runner = ProblemRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_SECONDS)
        try:
            await runner.setup()
            await _listen(runner, settings)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


async def check_schema(database_url: str) -> None:
    """Raise `SchemaError` unless the database has all that this server needs."""
    with explained():
        async with await psycopg.AsyncConnection.connect(database_url, connect_timeout=10, autocommit=True) as conn:
            pending = await pending_migrations(conn)
    if pending:
        raise SchemaTooOld(pending)


async def _listen(runner: ProblemRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CannotListen(
            f"Cannot listen on {settings.host} port {settings.port}: {reason}. Choose another with --port or --host."
        ) from error
    host, port = runner.addresses[0][:2]
    sys.stderr.write(f"firmtrail-server: listening on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stderr.flush()
