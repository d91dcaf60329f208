"""The audit trail of a project: who changed what, when and from where."""

from __future__ import annotations

import uuid

from firmtrail_contract import AuditEvent, AuditQuery, Page
from firmtrail_server.db import Connection
from firmtrail_server.http.context import Context
from firmtrail_server.queries import audit_events


async def list_audit_events(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: AuditQuery
) -> Page[AuditEvent]:
    """Filters add up."""
    after = audit_events.KEYSET.position(query, project_id)
    found = await audit_events.list_events(conn, project_id, query, after, query.page_size + 1)
    return audit_events.KEYSET.page(found, query, project_id)
