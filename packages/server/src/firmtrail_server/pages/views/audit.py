"""The audit trail of a project, filtered and in pages."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import attrs
from attrs.validators import optional

from firmtrail_contract import AsOf, AuditAction, AuditEvent, AuditQuery, DayOrMoment, Page
from firmtrail_contract.paging import page_token_limits
from firmtrail_server.db import Connection
from firmtrail_server.handlers import audit_events
from firmtrail_server.http.context import Context
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.results import View
from firmtrail_server.pages.views.settings import settings_of
from firmtrail_server.pages.words import query as url_query

_PAGE_SIZE = 50


@attrs.frozen(kw_only=True)
class AuditPageQuery:
    """Which events; filters add up."""

    action: AuditAction | None = None
    actor_id: uuid.UUID | None = None
    target_id: uuid.UUID | None = None
    #: a day counts whole at both ends
    since: DayOrMoment | None = None
    until: AsOf | None = None
    page_token: str | None = attrs.field(default=None, validator=optional(page_token_limits))


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: AuditPageQuery) -> View:
    ask = ApiCalls(ctx, conn)
    asked = AuditQuery(
        action=query.action,
        actor_id=query.actor_id,
        target_id=query.target_id,
        occurred_from=_beginning(query.since),
        occurred_before=query.until,
        page_size=_PAGE_SIZE,
        page_token=query.page_token,
    )
    found: Page[AuditEvent] = await ask(audit_events.list_audit_events, project_id=project_id, query=asked)
    data: dict[str, Any] = {
        **await settings_of(ask, project_id),
        "events": found,
        "filter": query,
        "parameters": {name: value for name, value in attrs.asdict(query).items() if name != "page_token"},
        "actions": [*AuditAction],
        "link": url_query,
    }
    return View(template="settings_audit.html", data=data)


def _beginning(since: dt.date | None) -> dt.datetime | None:
    if since is None or isinstance(since, dt.datetime):
        return since
    return dt.datetime.combine(since, dt.time(), dt.UTC)
