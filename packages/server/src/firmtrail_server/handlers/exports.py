"""The whole history of a project, streamed."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated

from firmtrail_contract import ARROW_TYPE, CSV_TYPE, NDJSON_TYPE, ExportQuery, ExportStart
from firmtrail_server.db import Transaction
from firmtrail_server.db.keyset import LATEST, LOWEST_ID
from firmtrail_server.errors import FilterRefused
from firmtrail_server.exports import Export
from firmtrail_server.http.context import Context
from firmtrail_server.queries import exports
from firmtrail_server.queries.exports import Selection, Stretch
from firmtrail_server.services.time_ranges import DAY, time_range


async def export_firmware_history(
    ctx: Context, project_id: uuid.UUID, query: ExportQuery
) -> Annotated[Export, NDJSON_TYPE, CSV_TYPE, ARROW_TYPE]:
    """The first marker is `{"start": ...}`, the last one of a whole answer `{"end": {"rows": ..., "sha256": ...}}`.
    NDJSON has markers as lines, CSV as lines that begin with `#`, and Arrow as metadata named `firmtrail`, of its
    schema and of record batches without rows. An answer without its end was cut. Who may not read any more gets no end.

    Without `resumable` the rows are those of one moment, in no order, and must be read within 60 seconds, or what the
    server's operator allows. With it they come in stretches of at most 10,000 devices, in the order of device ids; each
    stretch is of its own moment and ends with `{"position": {"after": ...}}`. A cut export goes on with `after`.

    Deleted devices are not part of it, retired ones are. In CSV an apostrophe stands before text that a spreadsheet
    would take for a formula.
    """
    if query.after is not None and not query.resumable:
        raise FilterRefused("after", "needs resumable=true")
    selection = _selection(query, ctx.now())

    async def next_stretch(after: uuid.UUID, devices: int) -> Stretch | None:
        return await ctx.run(Transaction.READ, exports.find_stretch, project_id, selection, after, devices)

    return Export(
        project_id=project_id,
        selection=selection,
        start=await _start(ctx, project_id, query),
        after=query.after or LOWEST_ID,
        permit=ctx.authorize,
        next_stretch=next_stretch if query.resumable else None,
    )


async def _start(ctx: Context, project_id: uuid.UUID, query: ExportQuery) -> ExportStart:
    """Say what the export holds, before it is read: whoever applies the feed from its number on is up to date."""
    is_of_all = query.since is None and query.until is None and query.at is None
    feed_number = await ctx.services.feed.number(project_id) if is_of_all else None
    return ExportStart(as_of=ctx.now(), resumable=query.resumable, feed_number=feed_number)


def _selection(query: ExportQuery, now: dt.datetime) -> Selection:
    if query.at is not None and (query.since is not None or query.until is not None):
        raise FilterRefused("at", "cannot be combined with since or until")
    if query.at is not None:
        since = until = query.at if query.at < now else LATEST  # now is what was reported last, also by a clock ahead
    else:
        since, until = time_range(query.since or dt.date.min, query.until, now, dt.UTC, DAY)
        since, until = since if query.since else None, until if query.until else None
    return Selection(component=query.component, labels=query.labels, since=since, until=until)
