"""Report the firmware version of a device, and read what it ran."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import (
    FirmwareReceipt,
    FirmwareReport,
    History,
    HistoryQuery,
    ObservedAtSource,
    ReportOutcome,
)
from firmtrail_contract.version_periods import moment
from firmtrail_server.db import Connection
from firmtrail_server.db.keyset import EARLIEST, LATEST
from firmtrail_server.errors import NoStrictMoment
from firmtrail_server.history.moment_sources import MomentSources
from firmtrail_server.history.timeline import Record, is_doubtful
from firmtrail_server.http.context import Context, ReportContext
from firmtrail_server.http.results import Created
from firmtrail_server.ingest import Outcome, Submission
from firmtrail_server.queries import boots, history, history_gaps


async def report_firmware_version(
    ctx: ReportContext, device_id: uuid.UUID, body: FirmwareReport
) -> Created[FirmwareReceipt] | FirmwareReceipt:
    """Idempotent: a retry changes nothing. One exception: since its first delivery a late report has split a version
    period, and a moment within that, which was not kept, is told again.

    201 when the report opened a version period, 200 when it extended one or was known. A moment that cannot be right
    counts for the server's, and `observed_at_source` says so; with `strict` the report is refused instead.
    """
    received_at = ctx.now()
    (stored,) = await ctx.services.ingest.submit(Submission(ctx.sender, received_at, record_of(body, received_at)))
    receipt = receipt_of(body, stored)
    return Created(receipt) if receipt.outcome is ReportOutcome.OPENED else receipt


def record_of(report: FirmwareReport, received_at: dt.datetime) -> Record:
    """Say what a report adds to the history, or raise `NoStrictMoment`."""
    at = moment(report, received_at)
    if report.strict and at.source is ObservedAtSource.SERVER:
        raise NoStrictMoment
    doubtful = not report.strict and is_doubtful(at, received_at)
    return Record(at, at, [(report.component, report.version)], doubtful, report.interval_seconds)


def receipt_of(report: FirmwareReport, stored: Outcome) -> FirmwareReceipt:
    return FirmwareReceipt(
        component=report.component,
        version=report.version,
        observed_at=stored.first.at,
        observed_at_source=stored.first.source,
        outcome=stored.versions[0],
    )


async def list_firmware_versions(ctx: Context, conn: Connection, device_id: uuid.UUID, query: HistoryQuery) -> History:
    """With `at`, what was in force then: each component's version whose first report is not later, and whose next
    version was first reported after it.
    """
    project_id = ctx.principal.project_id
    keyset, look = history.KEYSET, history.list_periods
    if query.newest_first:
        keyset, look = history.NEWEST_FIRST, history.list_newest_periods
    start = keyset.position(query, device_id)
    sources = MomentSources(await boots.list_starts(conn, project_id, device_id))
    if query.at is not None:
        now = ctx.now()
        at = query.at if query.at < now else LATEST  # now is what was reported last, by a clock that is ahead too
        in_force = await history.list_in_force(conn, project_id, device_id, query.component, at)
        gaps = await history_gaps.list_at(conn, project_id, device_id, at)
        return History(items=[*map(sources.told, in_force)], as_of=min(query.at, now), gaps=gaps)
    listed = keyset.page(await look(conn, project_id, device_id, query, start), query, device_id)
    beyond, until = (EARLIEST if query.newest_first else LATEST), query.until or LATEST
    end = listed.items[-1].first_reported_at if listed.next_page_token else beyond
    after, last = sorted((start["first_reported_at"], end))
    gaps = await history_gaps.list_between(conn, project_id, device_id, after, min(last, until))
    items = [*map(sources.told, listed.items)]
    return History(items=items, next_page_token=listed.next_page_token, gaps=gaps)
