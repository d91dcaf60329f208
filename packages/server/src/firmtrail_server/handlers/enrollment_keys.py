"""Enrollment keys: whoever holds one may register devices, and nothing else."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import AuditAction, EnrollmentKey, IssuedEnrollmentKey, NewEnrollmentKey, Page, PageQuery
from firmtrail_server.auth.credentials import SecretPrefix
from firmtrail_server.auth.permissions import ENROLLMENT_POWERS
from firmtrail_server.db import Connection
from firmtrail_server.http.context import Context
from firmtrail_server.http.results import Created
from firmtrail_server.queries import api_keys, enrollment_keys
from firmtrail_server.queries.audit_events import Change
from firmtrail_server.services.api_keys import Terms


async def create_enrollment_key(
    ctx: Context, conn: Connection, project_id: uuid.UUID, body: NewEnrollmentKey
) -> Created[IssuedEnrollmentKey]:
    """It takes the scope devices:write too. Its secret is shown this once."""
    ctx.principal.require_powers(ENROLLMENT_POWERS)
    terms = Terms.of(body.label, body.expires_at, by=ctx.principal.actor_id, now=ctx.now())
    key_id, secret = await ctx.keys.issue(conn, project_id, SecretPrefix.ENROLLMENT, terms)
    await enrollment_keys.insert(conn, project_id, key_id, body)
    details = {"max_uses": str(body.max_uses), "on_known": body.on_known.value}
    if body.min_silence_seconds is not None:
        details["min_silence_seconds"] = str(body.min_silence_seconds)
    await ctx.audit(conn, Change(AuditAction.ENROLLMENT_KEY_CREATED, key_id, body.label, details))
    key = await enrollment_keys.get(conn, project_id, key_id)
    return Created(IssuedEnrollmentKey(**attrs.asdict(key), secret=secret))


async def list_enrollment_keys(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: PageQuery
) -> Page[EnrollmentKey]:
    after = enrollment_keys.KEYSET.position(query, project_id)
    found = await enrollment_keys.list_keys(conn, project_id, after, query.page_size + 1)
    return enrollment_keys.KEYSET.page(found, query, project_id)


async def delete_enrollment_key(
    ctx: Context, conn: Connection, project_id: uuid.UUID, enrollment_key_id: uuid.UUID
) -> None:
    """It is refused from the next request on. Devices that it registered stay."""
    key = await enrollment_keys.get(conn, project_id, enrollment_key_id)
    await api_keys.delete(conn, project_id, key.id)
    await ctx.audit(conn, Change(AuditAction.ENROLLMENT_KEY_DELETED, key.id, key.label))
