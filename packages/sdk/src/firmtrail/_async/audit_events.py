"""The audit trail of a project."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail._async.paging import AsyncPager
from firmtrail._async.resource import AsyncResource
from firmtrail._checks import filters, path
from firmtrail_contract import AuditAction, AuditEvent, AuditQuery

_EVENTS = "/v1/projects/{project_id}/audit_events"


class AsyncAuditEvents(AsyncResource):
    """Who changed what, when and from where; for admins."""

    def list(  # noqa: PLR0913  filters, and how much to list
        self,
        project_id: uuid.UUID | str | None = None,
        *,
        action: AuditAction | str | None = None,
        actor_id: uuid.UUID | str | None = None,
        target_id: uuid.UUID | str | None = None,
        occurred_from: dt.datetime | None = None,
        occurred_before: dt.datetime | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> AsyncPager[AuditEvent]:
        """List what was changed in a project, newest first; filters add up.

        Args:
            project_id: the project; None: that of the API key.
            action: such as `device.created`.
            actor_id: the user or the API key that made the change.
            target_id: the project, member, invitation, key or device that was changed.
            occurred_from: an aware datetime: at this moment or later.
            occurred_before: an aware datetime: before this moment.
            limit: the most events to give in all.
            page_size: the most events to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return AsyncPager(
            self._transport,
            path(_EVENTS, project_id=project_id),
            AuditEvent,
            filters=filters(
                AuditQuery,
                action=action,
                actor_id=actor_id,
                target_id=target_id,
                occurred_from=occurred_from,
                occurred_before=occurred_before,
            ),
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )
