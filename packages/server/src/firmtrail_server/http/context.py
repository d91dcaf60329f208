"""What every handler is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import attrs
from aiohttp import web

from firmtrail_server.access import Principal
from firmtrail_server.authentication import Authentication
from firmtrail_server.db import Database
from firmtrail_server.gathering import Recorder
from firmtrail_server.settings import Settings
from firmtrail_server.tokens import AccessTokens


@attrs.frozen(kw_only=True)
class Services:
    """What lives as long as the server."""

    settings: Settings
    database: Database
    recorder: Recorder
    tokens: AccessTokens
    authentication: Authentication
    #: the server's clock, aware and in UTC
    clock: Callable[[], dt.datetime]


@attrs.frozen(kw_only=True)
class PublicContext:
    """For a route that anyone may call."""

    services: Services
    find_address: Callable[[], str]

    @property
    def db(self) -> Database:
        return self.services.database

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return self.find_address()

    @property
    def recorder(self) -> Recorder:
        return self.services.recorder

    def now(self) -> dt.datetime:
        return self.services.clock()


@attrs.frozen(kw_only=True)
class Context(PublicContext):
    """For a route that knows its caller."""

    principal: Principal


SERVICES = web.AppKey("SERVICES", Services)
