"""The webhooks of a project: made with the secret shown once, tested, replayed, paused, resumed, changed, deleted."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import attrs

from firmtrail_contract import (
    ChangeKind,
    IssuedWebhook,
    NewWebhook,
    PageQuery,
    SecretRotation,
    WebhookChange,
    WebhookReplay,
)
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.handlers import webhooks
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled
from firmtrail_server.pages.page import Handler
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.views.keys import RotationForm
from firmtrail_server.pages.views.settings import settings_of
from firmtrail_server.pages.words import query as url_query

_ALL = "/projects/{project_id}/webhooks"
_ONE = f"{_ALL}/{{webhook_id}}"


@attrs.frozen(kw_only=True)
class WebhookForm(Form):
    """A webhook: a field that is left empty leaves nothing out."""

    url: str | None = None
    label: str | None = None
    component: str | None = None
    labels: str | None = None
    #: which kinds are ticked
    opened: str | None = None
    inserted: str | None = None
    moved: str | None = None
    device_removed: str | None = None
    fell_silent: str | None = None
    heard_again: str | None = None
    silence_withdrawn: str | None = None

    @property
    def kinds(self) -> list[str]:
        return [kind.value for kind in ChangeKind if getattr(self, kind.value)]


@attrs.frozen(kw_only=True)
class ReplayForm(Form):
    """From where on to deliver again."""

    after: str | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID) -> View:
    ask, many = ApiCalls(ctx, conn), PageQuery(page_size=MAX_PAGE_SIZE)
    data = {
        **await settings_of(ask, project_id),
        "webhooks": await ask(webhooks.list_webhooks, project_id=project_id, query=many),
        "kinds": [*ChangeKind],
    }
    return View(template="settings_webhooks.html", data=data)


async def show_one(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, query: PageQuery
) -> View:
    ask, which = ApiCalls(ctx, conn), {"project_id": project_id, "webhook_id": webhook_id}
    data = {
        **await settings_of(ask, project_id),
        "hook": await ask(webhooks.get_webhook, **which),
        "deliveries": await ask(webhooks.list_webhook_deliveries, **which, query=query),
        "page_token": query.page_token,
        "kinds": [*ChangeKind],
        "now": ctx.now(),
        "link": url_query,
    }
    return View(template="settings_webhook.html", data=data)


async def create(ctx: Context, project_id: uuid.UUID, body: Annotated[WebhookForm, FORM]) -> View:
    """Its secret is in this page alone, this once."""
    new = filled(
        NewWebhook, url=body.url, label=body.label, kinds=body.kinds, component=body.component, labels=body.labels
    )
    issued = (await webhooks.create_webhook(ctx, project_id, new)).body
    return await ctx.run(Transaction.READ, _made, ctx, project_id, issued)


async def change(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: Annotated[WebhookForm, FORM]
) -> Redirect:
    new = filled(
        WebhookChange,
        url=body.url,
        label=body.label or "",
        kinds=body.kinds,
        component=body.component or "",
        labels=body.labels or "",
    )
    return await _done(ctx, conn, webhooks.change_webhook, project_id, webhook_id, body=new)


async def rotate(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: Annotated[RotationForm, FORM]
) -> View:
    """The new secret is in this page alone, this once."""
    rotation = filled(SecretRotation, overlap_seconds=body.overlap_seconds)
    asked: dict[str, Any] = {"project_id": project_id, "webhook_id": webhook_id, "body": rotation}
    issued = await ApiCalls(ctx, conn)(webhooks.rotate_webhook_secret, **asked)
    return await _made(conn, ctx, project_id, issued)


async def send_test(
    ctx: Context,
    project_id: uuid.UUID,
    webhook_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    """What the receiver answered is the first of the deliveries."""
    await webhooks.test_webhook(ctx, project_id, webhook_id)
    return _to(project_id, webhook_id)


async def replay(
    ctx: Context, conn: Connection, project_id: uuid.UUID, webhook_id: uuid.UUID, body: Annotated[ReplayForm, FORM]
) -> Redirect:
    start = filled(WebhookReplay, after=body.after)
    return await _done(ctx, conn, webhooks.replay_webhook, project_id, webhook_id, body=start)


def _action(handler: Handler, to: str = _ONE) -> Handler:
    """Make the view of what takes nothing but the webhook."""

    async def act(
        ctx: Context,
        conn: Connection,
        project_id: uuid.UUID,
        webhook_id: uuid.UUID,
        body: Annotated[Form, FORM],  # noqa: ARG001
    ) -> Redirect:
        which = {"project_id": project_id, "webhook_id": webhook_id}
        await ApiCalls(ctx, conn)(handler, **which)
        return Redirect(to=to.format(**which))

    return act


pause, resume = _action(webhooks.pause_webhook), _action(webhooks.resume_webhook)
delete = _action(webhooks.delete_webhook, to=_ALL)


async def _done(
    ctx: Context, conn: Connection, handler: Handler, project_id: uuid.UUID, webhook_id: uuid.UUID, **more: Any
) -> Redirect:
    await ApiCalls(ctx, conn)(handler, project_id=project_id, webhook_id=webhook_id, **more)
    return _to(project_id, webhook_id)


async def _made(conn: Connection, ctx: Context, project_id: uuid.UUID, issued: IssuedWebhook) -> View:
    data = {**await settings_of(ApiCalls(ctx, conn), project_id), "issued": issued}
    return View(template="settings_webhook_made.html", data=data)


def _to(project_id: uuid.UUID, webhook_id: uuid.UUID) -> Redirect:
    return Redirect(to=_ONE.format(project_id=project_id, webhook_id=webhook_id))
