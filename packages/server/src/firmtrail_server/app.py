"""The composition root: the one place that knows every part."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Callable

from aiohttp import web

from firmtrail_server.db import Database
from firmtrail_server.http.context import SERVICES, Services
from firmtrail_server.http.endpoint import bind
from firmtrail_server.http.problems import problems
from firmtrail_server.routes import ROUTES
from firmtrail_server.settings import Settings
from firmtrail_server.signing_keys import new_signing_keys
from firmtrail_server.tokens import AccessTokens

MAX_BODY_BYTES = 64 * 1024


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def create_app(settings: Settings, database_url: str, *, clock: Callable[[], dt.datetime] = utc_now) -> web.Application:
    """Make the application; it opens its database pool when it starts and closes it when it stops.

    Without signing keys in the settings it makes its own, and its tokens live no longer than it does.
    """
    app = web.Application(middlewares=[problems], client_max_size=MAX_BODY_BYTES)
    app[SERVICES] = Services(
        settings=settings,
        database=Database(database_url),
        tokens=AccessTokens(
            keys=settings.signing_keys or new_signing_keys(),
            issuer=settings.issuer,
            life_seconds=settings.token_seconds,
        ),
        clock=clock,
    )
    app.cleanup_ctx.append(_open_database)
    app.add_routes([bind(route) for route in ROUTES])
    return app


async def _open_database(app: web.Application) -> AsyncGenerator[None]:
    database = app[SERVICES].database
    await database.open()
    yield
    await database.close()
