"""What every handler is given."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import attrs
from aiohttp import hdrs

from firmtrail_contract import AccessToken, ActorKind
from firmtrail_server.auth.access_tokens import AccessTokens
from firmtrail_server.auth.permissions import Principal, User
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.exports import Exporter
from firmtrail_server.http.address import client_address
from firmtrail_server.http.request import Request
from firmtrail_server.ingest import Ingest, Sender
from firmtrail_server.queries import audit_events
from firmtrail_server.queries.audit_events import Actor, Change
from firmtrail_server.services.account_mail import AccountMail
from firmtrail_server.services.api_keys import KeyIssuer
from firmtrail_server.services.authentication import Authentication
from firmtrail_server.services.deletion import Sweeper
from firmtrail_server.services.feed import Feed
from firmtrail_server.services.feed_waits import FeedWaits
from firmtrail_server.services.mail import Mailer
from firmtrail_server.services.readiness import Readiness
from firmtrail_server.services.sessions import Sessions, Visit
from firmtrail_server.services.silence import SilenceSweeper
from firmtrail_server.settings import Settings
from firmtrail_server.telemetry.metrics import Metrics
from firmtrail_server.webhooks import Receivers, WebhookDeliverer, WebhookSender

T = TypeVar("T")
P = ParamSpec("P")


@attrs.define
class MetricsToken:
    """What opens /metrics, which may be replaced; None: nothing does."""

    value: str | None = attrs.field(repr=False)

    async def use(self, value: str) -> None:
        self.value = value


@attrs.frozen(kw_only=True)
class Services:
    """What lives as long as the server."""

    settings: Settings
    database: Database
    ingest: Ingest
    exporter: Exporter
    tokens: AccessTokens
    authentication: Authentication
    keys: KeyIssuer
    sessions: Sessions
    #: the server's clock, aware and in UTC
    clock: Callable[[], dt.datetime]
    metrics: Metrics
    readiness: Readiness
    sweeper: Sweeper
    silences: SilenceSweeper
    feed: Feed
    feed_waits: FeedWaits
    mailer: Mailer
    account_mail: AccountMail
    metrics_token: MetricsToken
    receivers: Receivers
    webhook_sender: WebhookSender
    webhook_deliverer: WebhookDeliverer


@attrs.frozen(kw_only=True)
class PublicContext:
    """For a route that anyone may call."""

    services: Services
    request_id: str
    _request: Request = attrs.field(alias="request", repr=False)

    @property
    def db(self) -> Database:
        return self.services.database

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return client_address(self._request, self.services.settings.trusted_proxies)

    @property
    def authorization(self) -> str:
        """Its header, where the route itself asks for a credential that is nobody's."""
        return self._request.headers.get(hdrs.AUTHORIZATION, "")

    @property
    def visit(self) -> Visit:
        """What is remembered of this request where it uses a session."""
        client = self._request.headers.get(hdrs.USER_AGENT, "")
        return Visit(now=self.now(), client=client, address=self.address, request_id=self.request_id)

    @property
    def keys(self) -> KeyIssuer:
        return self.services.keys

    def now(self) -> dt.datetime:
        return self.services.clock()

    def granted(self, user: User, refresh_token: str | None = None) -> AccessToken:
        """Issue an access token for a user, of the session that they have, if they have one."""
        granted = self.services.tokens.grant_user(user, self.now())
        return attrs.evolve(granted, refresh_token=refresh_token)

    def actor_of(self, user_id: uuid.UUID) -> Actor:
        """Let a user be the one who makes the changes of this request."""
        return Actor(kind=ActorKind.USER, id=user_id, address=self.address, request_id=self.request_id)


@attrs.frozen(kw_only=True)
class ReportContext(PublicContext):
    """For a route whose own statement finds the key alive: until then nobody knows who sends."""

    sender: Sender

    @property
    def actor(self) -> Actor:
        key_id = self.sender.api_key_id
        return Actor(kind=ActorKind.API_KEY, id=key_id, address=self.address, request_id=self.request_id)


@attrs.frozen(kw_only=True)
class CallerContext(PublicContext):
    """For a route whose caller is known."""

    _reauthorize: Callable[[Connection], Awaitable[Any]] = attrs.field(alias="reauthorize", repr=False)

    async def authorize(self) -> None:
        """Raise unless the caller may still do this."""
        await self.db.run(Transaction.READ, self._reauthorize)

    async def run(
        self,
        kind: Transaction,
        work: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `work(conn, ...)` in a transaction of its own, in which the caller is authorised once more."""

        async def authorized(conn: Connection) -> T:
            await self._reauthorize(conn)
            return await work(conn, *args, **kwargs)

        return await self.db.run(kind, authorized)


@attrs.frozen(kw_only=True)
class UserContext(CallerContext):
    """For a route on which users act for themselves, in no project."""

    user: User

    @property
    def user_id(self) -> uuid.UUID:
        return self.user.user_id

    async def audit(self, conn: Connection, trail_id: uuid.UUID, *changes: Change) -> None:
        """Add what this request changes to the audit trail of a project, or of the user."""
        await audit_events.insert(conn, trail_id, self.actor_of(self.user_id), self.now(), changes)


@attrs.frozen(kw_only=True)
class Context(CallerContext):
    """For a route that knows its caller, and the project that the request is about."""

    principal: Principal

    @property
    def actor(self) -> Actor:
        return Actor(
            kind=self.principal.actor_kind, id=self.principal.actor_id, address=self.address, request_id=self.request_id
        )

    async def audit(self, conn: Connection, *changes: Change) -> None:
        """Add what this request changes to the project's audit trail, in the transaction that changes it."""
        await audit_events.insert(conn, self.principal.project_id, self.actor, self.now(), changes)
