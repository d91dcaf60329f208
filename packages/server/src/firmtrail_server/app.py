"""The composition root: the one place that knows every part."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncGenerator, Callable

from aiohttp import web

from firmtrail_server.authentication import Authentication
from firmtrail_server.background import in_background
from firmtrail_server.credentials import SecretChecker
from firmtrail_server.db import Database, Writer
from firmtrail_server.failures import FailureLimits
from firmtrail_server.gathering import Recorder
from firmtrail_server.http.context import SERVICES, Services
from firmtrail_server.http.endpoint import bind
from firmtrail_server.http.problems import problems
from firmtrail_server.key_use import KeyUse
from firmtrail_server.mail import Mailer
from firmtrail_server.readiness import Readiness
from firmtrail_server.removal import Sweeper
from firmtrail_server.routes import ROUTES
from firmtrail_server.settings import Settings
from firmtrail_server.signing_keys import new_signing_keys
from firmtrail_server.tokens import AccessTokens
from firmtrail_server.verified import VerifiedCredentials

MAX_BODY_BYTES = 64 * 1024
#: about five seconds' work
MAX_WAITING_PASSWORDS = 20


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def create_app(settings: Settings, database_url: str, *, clock: Callable[[], dt.datetime] = utc_now) -> web.Application:
    """Make the application; it opens its database pool when it starts and closes it when it stops.

    Without signing keys in the settings it makes its own, and its tokens live no longer than it does.
    """
    app = web.Application(middlewares=[problems], client_max_size=MAX_BODY_BYTES)
    database = Database(database_url)
    tokens = AccessTokens(
        keys=settings.signing_keys or new_signing_keys(), issuer=settings.issuer, life_seconds=settings.token_seconds
    )
    app[SERVICES] = Services(
        settings=settings,
        database=database,
        recorder=Recorder(database, Writer(database_url)),
        tokens=tokens,
        authentication=Authentication(
            database=database,
            tokens=tokens,
            secrets=SecretChecker(),
            passwords=SecretChecker(cost=settings.password_cost, max_waiting=MAX_WAITING_PASSWORDS),
            verified=VerifiedCredentials(),
            failures=FailureLimits(time.monotonic),
            key_use=KeyUse(database),
            clock=clock,
        ),
        clock=clock,
        sweeper=Sweeper(database),
        mailer=Mailer(settings.smtp),
        readiness=Readiness(database),
    )
    app.cleanup_ctx.extend([_open_services, _work_in_background])
    app.add_routes([bind(route) for route in ROUTES])
    return app


async def _open_services(app: web.Application) -> AsyncGenerator[None]:
    services = app[SERVICES]
    await services.database.open()
    services.recorder.open()
    yield
    await services.readiness.close()
    await services.recorder.close()
    await services.database.close()
    services.authentication.secrets.close()
    services.authentication.passwords.close()


async def _work_in_background(app: web.Application) -> AsyncGenerator[None]:
    services = app[SERVICES]
    key_use = services.authentication.key_use
    async with in_background(sweeper=lambda: services.sweeper.run(services.clock), key_use=key_use.run):
        yield
