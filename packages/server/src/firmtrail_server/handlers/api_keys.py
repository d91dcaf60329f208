"""The API keys of a project: each with a role in it."""

from __future__ import annotations

import datetime as dt
import uuid

import attrs

from firmtrail_contract import (
    AuditAction,
    IssuedProjectApiKey,
    KeyRotation,
    NewApiKey,
    Page,
    PageQuery,
    ProjectApiKey,
    Role,
)
from firmtrail_server.auth.permissions import GATEWAY_SCOPES, Principal
from firmtrail_server.db import Connection
from firmtrail_server.errors import ApiKeyNotFound
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import api_keys
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.api_keys import Terms
from firmtrail_server.services.membership import end_invitations


async def create_api_key(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: NewApiKey
) -> Created[IssuedProjectApiKey]:
    """Its secret is shown this once; its role is at most your own.

    With `reports_for_devices` it may also report for every device of the project, as a gateway does: only who may
    register devices gives that.
    """
    _require_right_to_give(ctx.principal, body.role, gateway=body.reports_for_devices)
    terms = Terms.of(body.label, body.expires_at, by=ctx.principal.actor_id, now=ctx.now())
    terms = attrs.evolve(terms, reports_for_devices=body.reports_for_devices)
    issued = await ctx.keys.issue_for_project(conn, project_id, body.role, terms)
    await ctx.audit(conn, Change(AuditAction.API_KEY_CREATED, issued.id, issued.label, _powers(issued)))
    return Created(issued)


async def list_api_keys(ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery) -> Page[ProjectApiKey]:
    after = api_keys.KEYSET.position(query, project_id)
    found = await api_keys.list_of_project(conn, project_id, after, query.page_size + 1)
    return api_keys.KEYSET.page(found, query, project_id)


async def rotate_api_key(
    ctx: Context, conn: Connection, project_id: uuid.UUID, api_key_id: uuid.UUID, body: KeyRotation
) -> Created[IssuedProjectApiKey]:
    old = await api_keys.get_of_project(conn, project_id, api_key_id)
    _require_right_to_give(ctx.principal, old.role, gateway=old.reports_for_devices)
    if old.expires_at is not None and old.expires_at <= ctx.now():
        raise ApiKeyNotFound(api_key_id)
    terms = Terms.of(old.label, body.expires_at, by=ctx.principal.actor_id, now=ctx.now())
    terms = attrs.evolve(terms, reports_for_devices=old.reports_for_devices)
    issued = await ctx.keys.issue_for_project(conn, project_id, old.role, terms)
    await api_keys.end(conn, project_id, old.id, ctx.now() + dt.timedelta(seconds=body.overlap_seconds))
    await ctx.audit(conn, Change(AuditAction.API_KEY_ROTATED, old.id, old.label, {"new_id": str(issued.id)}))
    return Created(issued)


async def delete_api_key(ctx: Context, conn: Connection, project_id: uuid.UUID, api_key_id: uuid.UUID) -> None:
    """It is refused from the next request on, and invitations that it made end."""
    key = await api_keys.get_of_project(conn, project_id, api_key_id)
    ctx.principal.require_role(key.role)
    await api_keys.delete(conn, project_id, api_key_id)
    ended = await end_invitations(conn, project_id, key.id)
    await ctx.audit(conn, Change(AuditAction.API_KEY_DELETED, key.id, key.label), *ended)


def _require_right_to_give(principal: Principal, role: Role, *, gateway: bool) -> None:
    """Raise `Forbidden` when a key with this role, or a gateway's, could do more than who makes it."""
    principal.require_all_of(role)
    if gateway:
        principal.require_powers(GATEWAY_SCOPES)


def _powers(issued: IssuedProjectApiKey) -> dict[str, str]:
    """What the audit trail says that a key may do."""
    return {"role": issued.role} | ({"reports_for_devices": "true"} if issued.reports_for_devices else {})
