"""The composition root: the one place that knows every part."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import attrs

from firmtrail_server.auth.access_tokens import AccessTokens
from firmtrail_server.auth.credentials import SecretChecker, SecretDigests
from firmtrail_server.auth.failure_counts import Counted, FailureMemory
from firmtrail_server.auth.login_throttle import LoginThrottle
from firmtrail_server.auth.refresh_tokens import RefreshDigests
from firmtrail_server.auth.signing_keys import new_signing_keys
from firmtrail_server.auth.token_cache import TokenCache
from firmtrail_server.db import Address, Database
from firmtrail_server.exports import Exporter
from firmtrail_server.http.context import MetricsToken, Services
from firmtrail_server.http.dispatch import Dispatcher
from firmtrail_server.ingest import Ingest
from firmtrail_server.pages import add_pages
from firmtrail_server.rotation import Rotation
from firmtrail_server.routes import ROUTES
from firmtrail_server.services.account_mail import MAIL_PERIOD_SECONDS, MAX_MAILS, AccountMail
from firmtrail_server.services.api_keys import KeyIssuer
from firmtrail_server.services.authentication import Authentication
from firmtrail_server.services.background import in_background
from firmtrail_server.services.deletion import Sweeper
from firmtrail_server.services.feed import Feed
from firmtrail_server.services.feed_waits import FeedWaits
from firmtrail_server.services.key_use import KeyUse
from firmtrail_server.services.mail import Mailer
from firmtrail_server.services.outbox import Outbox
from firmtrail_server.services.readiness import Readiness
from firmtrail_server.services.sessions import Sessions
from firmtrail_server.services.silence import SilenceSweeper
from firmtrail_server.settings import Settings, SettingsReader
from firmtrail_server.telemetry.metrics import Metrics
from firmtrail_server.webhooks import AddressRule, Deliveries, Notices, Receivers, WebhookDeliverer, WebhookSender

#: about five seconds' work
MAX_WAITING_PASSWORDS = 20
_POOL = {
    "pool_size": "Connections of the pool",
    "pool_available": "Connections of the pool that nobody uses",
    "requests_waiting": "Transactions that wait for a connection",
}


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@attrs.frozen
class App:
    """All of the server but its sockets."""

    services: Services
    dispatcher: Dispatcher
    rotation: Rotation

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Let it take requests while the block lasts: open the database, and work in the background."""
        services = self.services
        await services.database.open()
        services.ingest.open()
        try:
            async with (
                services.receivers,
                in_background(
                    sweeper=lambda: services.sweeper.run(services.clock),
                    feed=services.feed.run,
                    feed_waits=services.feed_waits.run,
                    silences=lambda: services.silences.run(services.clock),
                    key_use=services.authentication.key_use.run,
                    outbox=services.account_mail.outbox.run,
                    webhooks=services.webhook_deliverer.run,
                    metrics=services.metrics.keep_sampled,
                    readiness=services.readiness.run,
                    rotation=self.rotation.run,
                ),
            ):
                yield
        finally:
            await services.readiness.close()
            await services.ingest.close()
            services.exporter.close()
            await services.database.close()
            services.authentication.secrets.close()
            services.authentication.passwords.close()


def create_app(  # noqa: PLR0913  the last three are a worker's, and an operator's
    settings: Settings,
    database_url: str,
    *,
    clock: Callable[[], dt.datetime] = utc_now,
    metrics: Metrics | None = None,
    failures: FailureMemory | None = None,
    reader: SettingsReader | None = None,
) -> App:
    """Make the application.

    Without signing keys in the settings it makes its own, and its tokens live no longer than it does; without metrics
    and failures it counts for itself; without a reader it stays with the secrets that it has.
    """
    metrics, failures = metrics or Metrics(), failures or FailureMemory()
    rotation = Rotation(settings, reader)
    address = Address(database_url, rotation.look)
    database = Database(address)
    feed = Feed(database, dt.timedelta(days=settings.feed_days))
    signing_keys = settings.signing_keys or new_signing_keys()
    digests = SecretDigests(signing_keys.digest_key())
    mailer = Mailer(settings.smtp)
    tokens = AccessTokens(
        keys=signing_keys,
        issuer=settings.issuer,
        life_seconds=settings.token_seconds,
        device_life_seconds=settings.device_token_seconds,
    )
    receivers = Receivers(AddressRule(settings.webhook_networks))
    sender = WebhookSender(receivers, clock)
    notices = Notices(
        database=database, mailer=mailer, issuer=settings.issuer, has_pages=settings.pages_enabled, clock=clock
    )
    services = Services(
        settings=settings,
        database=database,
        ingest=Ingest(database, address, metrics),
        exporter=Exporter(address, max_exports=settings.max_exports, seconds=settings.export_seconds),
        tokens=tokens,
        authentication=Authentication(
            database=database,
            tokens=tokens,
            token_cache=TokenCache(),
            digests=digests,
            secrets=SecretChecker(),
            passwords=SecretChecker(cost=settings.password_cost, max_waiting=MAX_WAITING_PASSWORDS),
            key_failures=LoginThrottle(failures.table(Counted.KEYS), time.monotonic, max_of_an_address=math.inf),
            failures=LoginThrottle(failures.table(Counted.PASSWORDS), time.monotonic),
            sign_ups=LoginThrottle(failures.table(Counted.SIGN_UPS), time.monotonic),
            key_use=KeyUse(database),
            clock=clock,
        ),
        keys=KeyIssuer(digests),
        sessions=Sessions(
            digests=RefreshDigests(signing_keys.digest_keys()),
            idle=dt.timedelta(days=settings.session_idle_days),
            longest=dt.timedelta(days=settings.session_days),
        ),
        clock=clock,
        sweeper=Sweeper(database),
        silences=SilenceSweeper(database, metrics),
        feed=feed,
        feed_waits=FeedWaits(database, feed, clock, metrics),
        mailer=mailer,
        account_mail=AccountMail(
            database=database,
            mailer=mailer,
            outbox=Outbox(),
            digests=digests,
            sent=LoginThrottle(
                failures.table(Counted.MAILS),
                time.monotonic,
                max_of_a_key=MAX_MAILS,
                max_of_an_address=math.inf,
                period_seconds=MAIL_PERIOD_SECONDS,
            ),
            issuer=settings.issuer,
            has_pages=settings.pages_enabled,
            clock=clock,
        ),
        metrics=metrics,
        readiness=Readiness(database),
        metrics_token=MetricsToken(settings.metrics_token),
        receivers=receivers,
        webhook_sender=sender,
        webhook_deliverer=WebhookDeliverer(database, Deliveries(database, feed, sender, notices), clock),
    )
    rotation.tell("database_url", database.move)
    rotation.tell("signing_keys", services.authentication.use_keys, services.sessions.use_keys)
    rotation.tell("smtp", services.mailer.use)
    rotation.tell("metrics_token", services.metrics_token.use)
    dispatcher = Dispatcher(ROUTES, services)
    if settings.pages_enabled:
        add_pages(dispatcher, services)
    _watch_database(metrics, services)
    _watch_authentication(metrics, services.authentication)
    return App(services, dispatcher, rotation)


def _watch_database(metrics: Metrics, services: Services) -> None:
    database, ingest, readiness = services.database, services.ingest, services.readiness
    name = "firmtrail_database_commits_total"
    metrics.watch_count(name, "Transactions, of reading too.", lambda: database.commits + ingest.commits)
    for stat, text in _POOL.items():
        name = f"firmtrail_database_{stat}"
        metrics.watch(name, f"{text}; each worker has a pool.", lambda stat=stat: database.pool_stats().get(stat, 0))
    name, text = "firmtrail_database_oldest_transaction_seconds", "Age of the oldest open transaction of the database."
    metrics.watch(name, text, lambda: readiness.oldest.seconds if readiness.oldest else 0, combine=max)


def _watch_authentication(metrics: Metrics, authentication: Authentication) -> None:
    tokens = authentication.token_cache
    metrics.watch_count(
        "firmtrail_credential_cache_hits_total", "Access tokens that were found valid before.", lambda: tokens.hits
    )
    metrics.watch_count(
        "firmtrail_credential_cache_misses_total", "Access tokens that had to be checked.", lambda: tokens.misses
    )
    secrets, passwords = authentication.secrets, authentication.passwords
    metrics.watch("firmtrail_secrets_waiting", "Secrets of keys that wait for bcrypt.", lambda: secrets.waiting)
    metrics.watch("firmtrail_passwords_waiting", "Passwords that wait for bcrypt.", lambda: passwords.waiting)
