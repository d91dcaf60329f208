"""A webhook's turn: the changes after its last delivery, one by one, each sent again until it is taken."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import attrs

from firmtrail_contract import DeliveryStatus, FirmwareChange, FirmwareChangesQuery, PauseReason, Webhook
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.queries import firmware_changes, firmware_feeds, webhook_deliveries, webhooks
from firmtrail_server.queries.webhook_deliveries import Attempt
from firmtrail_server.queries.webhooks import DueWebhook, WebhookSecrets
from firmtrail_server.services.feed import Feed
from firmtrail_server.webhooks.messages import message_of
from firmtrail_server.webhooks.notices import Notices
from firmtrail_server.webhooks.sender import WebhookSender

#: a receiver that takes nothing for so long is sent nothing more
PATIENCE = dt.timedelta(days=3)
#: attempts that are kept of each webhook, for people to look at
KEPT_ATTEMPTS = 200
_CHANGES_AT_ONCE = 100
#: then webhooks that wait for a place come first
_TURN_SECONDS = 10
#: in the database, so that requests have the rest of its connections
_AT_ONCE = 3
#: between attempts; the last one is repeated
_PAUSE_SECONDS = (5, 30, 120, 600, 1_800, 3_600, 7_200)
_JITTER = (0.9, 1.2)
_GONE = 410

T = TypeVar("T")
P = ParamSpec("P")


@attrs.frozen(kw_only=True)
class _Batch:
    """What a webhook has to deliver next."""

    webhook: Webhook
    secrets: WebhookSecrets
    #: what the filters let through up to `until`
    changes: Sequence[FirmwareChange]
    until: int
    #: whether changes before these are not kept any more
    is_cut: bool


class Deliveries:
    """Gives webhooks their turns. Several may have theirs at the same time, but no webhook two."""

    def __init__(self, database: Database, feed: Feed, sender: WebhookSender, notices: Notices) -> None:
        self._database = database
        self._feed = feed
        self._sender = sender
        self._notices = notices
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def take_turn(self, due: DueWebhook, may_go_on: Callable[[], bool]) -> None:
        """Deliver for about ten seconds, or until there is nothing more, or a delivery fails."""
        ends = time.monotonic() + _TURN_SECONDS
        async with self._places:
            await self._feed.number(due.project_id)
        while (batch := await self._run(Transaction.READ, _read, due)) is not None:
            if not await self._deliver(batch, lambda: may_go_on() and time.monotonic() < ends):
                break
        await self._run(Transaction.INGEST, _end_turn, due, self._notices.clock())

    async def _deliver(self, batch: _Batch, may_go_on: Callable[[], bool]) -> bool:
        """Deliver a batch; False: the turn is over."""
        webhook, before = batch.webhook, batch.webhook.delivered_number
        if batch.is_cut:
            await self._notices.pause(webhook, PauseReason.CHANGES_NOT_KEPT)
            return False
        number = webhook.failed_attempts + 1
        for change in batch.changes:
            if not may_go_on():
                return False
            attempt = await self._sender.attempt(webhook, batch.secrets, message_of(webhook, change), number)
            if not await self._record(webhook, before, attempt):
                return False
            before, number = change.number, 1
        if before == batch.until:
            return True
        return await self._run(Transaction.INGEST, webhooks.skip, webhook.project_id, webhook.id, before, batch.until)

    async def _record(self, webhook: Webhook, before: int, attempt: Attempt) -> bool:
        """Store an attempt; False: it failed, or somebody has moved the webhook meanwhile."""
        ids = (webhook.project_id, webhook.id)
        if attempt.status is DeliveryStatus.DELIVERED:
            return await self._run(Transaction.INGEST, webhook_deliveries.record_delivered, *ids, before, attempt)
        was_there = await self._run(
            Transaction.INGEST,
            webhook_deliveries.record_failed,
            *ids,
            before,
            attempt,
            next_attempt_at=attempt.attempted_at + max(_pause(attempt.attempt), attempt.retry_after),
        )
        is_first = attempt.attempt == 1 or webhook.failing_since is None
        failing_since = attempt.attempted_at if is_first else webhook.failing_since
        assert failing_since is not None
        if was_there and attempt.status_code == _GONE:
            await self._notices.pause(webhook, PauseReason.GONE)
        elif was_there and attempt.attempted_at - failing_since >= PATIENCE:
            await self._notices.pause(webhook, PauseReason.FAILING)
        return False

    async def _run(
        self,
        kind: Transaction,
        work: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        async with self._places:
            return await self._database.run(kind, work, *args, **kwargs)


async def _read(conn: Connection, due: DueWebhook) -> _Batch | None:
    """Read what is next, from one snapshot; None: nothing, or the webhook is paused or deleted."""
    webhook = await webhooks.find(conn, due.project_id, due.id)
    secrets = await webhooks.find_secrets(conn, due.project_id, due.id)
    state = await firmware_feeds.find_state(conn, due.project_id)
    if webhook is None or secrets is None or state is None or webhook.paused_at is not None:
        return None
    after = webhook.delivered_number
    if after >= state.last_number:
        return None
    is_cut = after < state.first_number - 1
    query = _query(webhook)
    changes = [] if is_cut else await firmware_changes.list_changes(conn, due.project_id, query, after)
    until = changes[-1].number if len(changes) == query.limit else state.last_number
    return _Batch(webhook=webhook, secrets=secrets, changes=changes, until=until, is_cut=is_cut)


def _query(webhook: Webhook) -> FirmwareChangesQuery:
    return FirmwareChangesQuery(
        limit=_CHANGES_AT_ONCE,
        component=webhook.component,
        kind=",".join(webhook.kinds) or None,
        labels=webhook.labels,
    )


async def _end_turn(conn: Connection, due: DueWebhook, now: dt.datetime) -> None:
    await webhook_deliveries.trim(conn, due.project_id, due.id, KEPT_ATTEMPTS)
    await webhooks.yield_turn(conn, due.project_id, due.id, now)


def _pause(attempts: int) -> dt.timedelta:
    """How long to wait after so many attempts; by chance longer or shorter, so that not all come back at once."""
    seconds = _PAUSE_SECONDS[min(attempts, len(_PAUSE_SECONDS)) - 1]
    return dt.timedelta(seconds=seconds * random.uniform(*_JITTER))  # noqa: S311  spreads, hides nothing
