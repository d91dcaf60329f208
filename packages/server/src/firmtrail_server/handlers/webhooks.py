"""Webhooks: URLs that the changes of a project are sent to."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import (
    MAX_WEBHOOKS,
    AuditAction,
    IssuedWebhook,
    NewWebhook,
    Page,
    PageQuery,
    PauseReason,
    SecretRotation,
    Webhook,
    WebhookChange,
    WebhookDelivery,
    WebhookReplay,
)
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import ChangesNotKept, FieldOutOfRange, ProjectNotFound, TooManyWebhooks, WebhookNotFound
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import firmware_feeds, webhook_deliveries, webhooks
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.queries.firmware_feeds import FeedState
from firmtrail_server.queries.webhook_deliveries import Attempt
from firmtrail_server.queries.webhooks import WebhookSecrets
from firmtrail_server.webhooks.deliveries import KEPT_ATTEMPTS
from firmtrail_server.webhooks.notices import with_notice
from firmtrail_server.webhooks.signatures import new_secret
from firmtrail_server.webhooks.urls import check_url


async def create_webhook(ctx: Context, project_id: uuid.UUID, body: NewWebhook) -> Created[IssuedWebhook]:
    """It gets the changes from now on, one a request, in the order of the feed, each until it answers with a status
    of success. Filters are those of the feed. The secret is shown this once: it verifies deliveries, as Standard
    Webhooks says.

    The URL begins with `https://` and names a public address, unless the server's operator allows other networks.
    Redirects are not followed. A project has at most 10 webhooks: then 409.
    """
    check_url(body.url, ctx.services.receivers.rule)
    number = await ctx.services.feed.number(project_id)
    return Created(await ctx.run(Transaction.WRITE, _create, ctx, project_id, body, number))


async def list_webhooks(ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery) -> Page[Webhook]:
    after = webhooks.KEYSET.position(query, project_id)
    found = await webhooks.list_webhooks(conn, project_id, after, query.page_size + 1)
    return webhooks.KEYSET.page([with_notice(webhook) for webhook in found], query, project_id)


async def get_webhook(ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook:
    """`delivered_number` says how far it has come in the feed, `notice` why it is paused, if it is."""
    return with_notice(await _get(conn, project_id, webhook_id))


async def change_webhook(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: WebhookChange
) -> Webhook:
    """What is left out stays. Filters apply to what is not delivered yet; an empty one lets everything through."""
    webhook = await _get(conn, project_id, webhook_id)
    if body.url is not None:
        check_url(body.url, ctx.services.receivers.rule)
    changed = _changed(webhook, body)
    if changed != webhook:
        await webhooks.update(conn, project_id, changed)
        names = [name for name in _CHANGEABLE if getattr(changed, name) != getattr(webhook, name)]
        change = Change(AuditAction.WEBHOOK_CHANGED, webhook_id, webhook.label, {"changed": ",".join(names)})
        await ctx.audit(conn, change)
    return with_notice(changed)


async def delete_webhook(ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> None:
    """Nothing is sent any more, but for a request that is on its way."""
    webhook = await _get(conn, project_id, webhook_id)
    await webhook_deliveries.delete_of_webhook(conn, project_id, webhook_id)
    await webhooks.delete(conn, project_id, webhook_id)
    await ctx.audit(conn, Change(AuditAction.WEBHOOK_DELETED, webhook_id, webhook.label))


async def rotate_webhook_secret(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: SecretRotation
) -> IssuedWebhook:
    """Deliveries carry a signature of the old secret too for a while, so that the receiver can change it in between.
    The new one is shown this once. There are two at most: one before the old one ends at once.
    """
    webhook = await _get(conn, project_id, webhook_id)
    secret, old_until = new_secret(), ctx.now() + dt.timedelta(seconds=body.overlap_seconds)
    await webhooks.update_secret(conn, project_id, webhook_id, secret, old_until)
    await ctx.audit(conn, Change(AuditAction.WEBHOOK_SECRET_ROTATED, webhook_id, webhook.label))
    return _issued(attrs.evolve(webhook, old_secret_until=old_until), secret)


async def test_webhook(ctx: Context, project_id: uuid.UUID, webhook_id: uuid.UUID) -> WebhookDelivery:
    """A message of the type `webhook.test`, once and at once, also where the webhook is paused. It moves nothing. The
    answer says what the receiver answered, after 15 seconds at the latest.
    """
    webhook, secrets = await ctx.run(Transaction.READ, _with_secrets, project_id, webhook_id)
    attempt = await ctx.services.webhook_sender.test(webhook, secrets)
    return await ctx.run(Transaction.WRITE, _record_test, project_id, webhook_id, attempt)


async def list_webhook_deliveries(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, query: PageQuery
) -> Page[WebhookDelivery]:
    """About 200 are kept of each webhook. What the receiver answered beside its status is not kept."""
    await _get(conn, project_id, webhook_id)
    after = webhook_deliveries.KEYSET.position(query, webhook_id)
    found = await webhook_deliveries.list_deliveries(conn, project_id, webhook_id, after, query.page_size + 1)
    return webhook_deliveries.KEYSET.page(found, query, webhook_id)


async def replay_webhook(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: WebhookReplay
) -> Webhook:
    """Each has the `webhook-id` that it had before. A number after the last delivery leaves changes out. A pause ends.

    410 when the changes after the number are not kept any more.
    """
    webhook = await _get(conn, project_id, webhook_id)
    state = await _check_kept(conn, project_id, body.after)
    if body.after > state.last_number:
        raise FieldOutOfRange("after", f"must be at most {state.last_number}, the last number of the feed")
    change = Change(AuditAction.WEBHOOK_REPLAYED, webhook_id, webhook.label, {"after": str(body.after)})
    await ctx.audit(conn, change)
    return await _start_after(ctx, conn, webhook, body.after)


async def pause_webhook(ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook:
    """Nothing is sent until it is resumed, but for a request that is on its way. One that is paused stays as it is.

    Changes wait for it as long as the feed keeps them.
    """
    webhook = await _get(conn, project_id, webhook_id)
    if await webhooks.pause(conn, project_id, webhook_id, PauseReason.BY_HAND, ctx.now()):
        details = {"reason": PauseReason.BY_HAND.value, "delivered_number": str(webhook.delivered_number)}
        await ctx.audit(conn, Change(AuditAction.WEBHOOK_PAUSED, webhook_id, webhook.label, details))
    return with_notice(await _get(conn, project_id, webhook_id))


async def resume_webhook(ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook:
    """It goes on where it stopped, at once. One that is not paused stays as it is.

    410 when the changes after its last delivery are not kept any more: export the history again, and replay from there.
    """
    webhook = await _get(conn, project_id, webhook_id)
    if webhook.paused_at is None:
        return webhook
    await _check_kept(conn, project_id, webhook.delivered_number)
    await ctx.audit(conn, Change(AuditAction.WEBHOOK_RESUMED, webhook_id, webhook.label))
    return await _start_after(ctx, conn, webhook, webhook.delivered_number)


async def _get(conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook:
    """Look up a webhook, or raise `WebhookNotFound`."""
    webhook = await webhooks.find(conn, project_id, webhook_id)
    if webhook is None:
        raise WebhookNotFound(webhook_id)
    return webhook


_CHANGEABLE = ("url", "label", "kinds", "component", "labels")


async def _create(conn: Connection, ctx: Context, project_id: uuid.UUID, new: NewWebhook, number: int) -> IssuedWebhook:
    if await webhooks.count(conn, project_id) >= MAX_WEBHOOKS:
        raise TooManyWebhooks(MAX_WEBHOOKS)
    secret = new_secret()
    webhook = await webhooks.insert(
        conn,
        project_id,
        new,
        secret,
        delivered_number=number,
        created_by=ctx.principal.actor_id,
        now=ctx.now(),
    )
    await ctx.audit(conn, Change(AuditAction.WEBHOOK_CREATED, webhook.id, webhook.label))
    return _issued(webhook, secret)


def _issued(webhook: Webhook, secret: str) -> IssuedWebhook:
    return IssuedWebhook(**attrs.asdict(with_notice(webhook)), secret=secret)


def _changed(webhook: Webhook, body: WebhookChange) -> Webhook:
    given = {name: getattr(body, name) for name in _CHANGEABLE if getattr(body, name) is not None}
    for name in ("component", "labels"):
        if given.get(name) == "":
            given[name] = None
    return attrs.evolve(webhook, **given)


async def _with_secrets(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID
) -> tuple[Webhook, WebhookSecrets]:
    webhook = await _get(conn, project_id, webhook_id)
    secrets = await webhooks.find_secrets(conn, project_id, webhook_id)
    if secrets is None:
        raise WebhookNotFound(webhook_id)
    return webhook, secrets


async def _record_test(
    conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, attempt: Attempt
) -> WebhookDelivery:
    delivery = await webhook_deliveries.insert(conn, project_id, webhook_id, attempt)
    await webhook_deliveries.trim(conn, project_id, webhook_id, KEPT_ATTEMPTS)
    return delivery


async def _check_kept(conn: Connection, project_id: uuid.UUID, after: int) -> FeedState:
    state = await firmware_feeds.find_state(conn, project_id)
    if state is None:
        raise ProjectNotFound(project_id)
    if after < state.first_number - 1:
        raise ChangesNotKept(after, state.first_number)
    return state


async def _start_after(ctx: Context, conn: Connection, webhook: Webhook, number: int) -> Webhook:
    await webhooks.start_after(conn, webhook.project_id, webhook.id, number, ctx.now())
    return await _get(conn, webhook.project_id, webhook.id)
