"""The API keys and the enrollment keys of a project: made with the secret shown once, replaced, ended."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

import attrs

from firmtrail_contract import (
    AsOf,
    KeyRotation,
    NewApiKey,
    NewEnrollmentKey,
    OnKnownDevice,
    PageQuery,
    Role,
    format_moment,
)
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.auth.permissions import ROLE_SCOPES
from firmtrail_server.db import Connection
from firmtrail_server.handlers import api_keys, enrollment_keys, members
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.forms import Form, filled, labels_of
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.views.settings import settings_of


@attrs.frozen(kw_only=True)
class KeyForm(Form):
    """An API key to make."""

    role: str | None = None
    label: str | None = None
    #: the last day on which it works
    expires: AsOf | None = None


@attrs.frozen(kw_only=True)
class RotationForm(Form):
    """How long the old key works beside the new one."""

    overlap_seconds: str | None = None


@attrs.frozen(kw_only=True)
class EnrollmentKeyForm(Form):
    """An enrollment key to make."""

    label: str | None = None
    #: the last day on which it works
    expires: AsOf | None = None
    max_uses: str | None = None
    on_known: str | None = None
    labels: str | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID) -> View:
    ask, many = ApiCalls(ctx, conn), PageQuery(page_size=MAX_PAGE_SIZE)
    keys = await ask(api_keys.list_api_keys, project_id=project_id, query=many)
    people = await ask(members.list_members, project_id=project_id, query=many)
    data: dict[str, Any] = {
        **await settings_of(ask, project_id),
        "keys": keys,
        "enrollment_keys": await ask(enrollment_keys.list_enrollment_keys, project_id=project_id, query=many),
        "makers": {one.user_id: one.name for one in people.items} | {one.id: one.label for one in keys.items},
        "roles": [role for role in Role if ROLE_SCOPES[role] <= ctx.principal.scopes],
        "on_known": [*OnKnownDevice],
        "now": ctx.now(),
        "in_a_month": ctx.now() + dt.timedelta(days=30),
    }
    return View(template="settings_keys.html", data=data)


async def create(ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[KeyForm, FORM]) -> View:
    """Its secret is in this page alone, this once."""
    new = filled(NewApiKey, role=body.role, label=body.label, expires_at=_spelt(body.expires))
    issued = await ApiCalls(ctx, conn)(api_keys.create_api_key, project_id=project_id, body=new)
    return await _made(ctx, conn, project_id, issued.body)


async def rotate(
    ctx: Context, conn: Connection, project_id: uuid.UUID, api_key_id: uuid.UUID, body: Annotated[RotationForm, FORM]
) -> View:
    rotation = filled(KeyRotation, overlap_seconds=body.overlap_seconds)
    asked: dict[str, Any] = {"project_id": project_id, "api_key_id": api_key_id, "body": rotation}
    issued = await ApiCalls(ctx, conn)(api_keys.rotate_api_key, **asked)
    return await _made(ctx, conn, project_id, issued.body)


async def delete(
    ctx: Context,
    conn: Connection,
    project_id: uuid.UUID,
    api_key_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    await ApiCalls(ctx, conn)(api_keys.delete_api_key, project_id=project_id, api_key_id=api_key_id)
    return Redirect(to=f"/projects/{project_id}/keys")


async def create_for_enrollment(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: Annotated[EnrollmentKeyForm, FORM]
) -> View:
    """Its secret is in this page alone, this once."""
    new = filled(
        NewEnrollmentKey,
        label=body.label,
        expires_at=_spelt(body.expires),
        max_uses=body.max_uses,
        on_known=body.on_known,
        labels=labels_of(body.labels),
    )
    issued = await ApiCalls(ctx, conn)(enrollment_keys.create_enrollment_key, project_id=project_id, body=new)
    return await _made(ctx, conn, project_id, issued.body, enrolls=True)


async def delete_for_enrollment(
    ctx: Context,
    conn: Connection,
    project_id: uuid.UUID,
    enrollment_key_id: uuid.UUID,
    body: Annotated[Form, FORM],  # noqa: ARG001
) -> Redirect:
    which = {"project_id": project_id, "enrollment_key_id": enrollment_key_id}
    await ApiCalls(ctx, conn)(enrollment_keys.delete_enrollment_key, **which)
    return Redirect(to=f"/projects/{project_id}/keys")


async def _made(ctx: Context, conn: Connection, project_id: uuid.UUID, issued: Any, *, enrolls: bool = False) -> View:
    data = {
        **await settings_of(ApiCalls(ctx, conn), project_id),
        "issued": issued,
        "key": f"{issued.id}:{issued.secret}",
        "enrolls": enrolls,
        "url": ctx.services.tokens.issuer,
    }
    return View(template="settings_key_made.html", data=data)


def _spelt(moment: dt.datetime | None) -> str | None:
    return format_moment(moment) if moment else None
