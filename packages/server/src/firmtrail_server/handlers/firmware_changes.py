"""The feed: every change of the histories of a project, in one order."""

from __future__ import annotations

import uuid

from firmtrail_contract import FirmwareChanges, FirmwareChangesQuery
from firmtrail_server.db import Connection
from firmtrail_server.errors import ChangesNotKept, ChangesNotYetThere, ProjectNotFound
from firmtrail_server.http.context import Context
from firmtrail_server.queries import firmware_changes, firmware_feeds


async def list_firmware_changes(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: FirmwareChangesQuery
) -> FirmwareChanges:
    """Pass the last number of one answer as `after` of the next: nothing is skipped and nothing comes twice.

    With `wait_seconds` the server waits for a change when there is none. With `Accept: text/event-stream` the changes
    come as server-sent events, each with its kind as the `event` and its number as the `id`; a header `Last-Event-ID`
    counts for `after`, and an event `position` says how far the stream has come where there is nothing new.

    Each change is a state, named by its `period_id`: to apply one twice is harmless. A period is in force from its
    `first_reported_at` until that of the component's next period. Changes are kept for 90 days, unless the operator
    has set another time. 410 when `after` names one that is not kept any more, or that there never was: export the
    history again, and go on from the number that the export names.
    """
    state = await firmware_feeds.find_state(conn, project_id)
    if state is None:
        raise ProjectNotFound(project_id)
    after = state.first_number - 1 if query.after is None else query.after
    if after < state.first_number - 1:
        raise ChangesNotKept(after, state.first_number)
    if after > state.last_number:
        raise ChangesNotYetThere(after, state.last_number)
    items = await firmware_changes.list_changes(conn, project_id, query, after)
    last_number = items[-1].number if len(items) == query.limit else state.last_number
    return FirmwareChanges(items=items, last_number=last_number)
