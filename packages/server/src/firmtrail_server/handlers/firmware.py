"""Report the firmware version of a device, and read what it ran."""

from __future__ import annotations

import uuid

from firmtrail_contract import FirmwareReceipt, FirmwareReport, Page, PageQuery, ReportOutcome, VersionPeriod
from firmtrail_server.db import Connection
from firmtrail_server.http.answers import Created
from firmtrail_server.http.context import Context
from firmtrail_server.meaning import Report, observation
from firmtrail_server.paging import page, position
from firmtrail_server.queries import devices, firmware
from firmtrail_server.queries.firmware import BEGINNING


async def report_firmware_version(
    ctx: Context, device_id: uuid.UUID, body: FirmwareReport
) -> Created[FirmwareReceipt] | FirmwareReceipt:
    """Report the version that a component of this device runs. Idempotent: a retry changes nothing.

    201 when the report opened a version period, 200 when it extended one or was known.
    """
    seen = observation(device_id, body, ctx.now())
    caller = ctx.principal
    report = Report(api_key_id=caller.actor_id, project_id=caller.project_id, observations=[seen])
    (receipt,) = await ctx.recorder.record(report)
    return Created(receipt) if receipt.outcome is ReportOutcome.OPENED else receipt


async def list_firmware_versions(ctx: Context, device_id: uuid.UUID, query: PageQuery) -> Page[VersionPeriod]:
    """List every version this device ever reported, of all its components, oldest first."""
    after = position(query, BEGINNING, device_id)
    project_id = ctx.principal.project_id

    async def read(conn: Connection) -> Page[VersionPeriod]:
        await devices.get(conn, project_id, device_id)
        periods = await firmware.list_periods(conn, project_id, device_id, after, query.page_size + 1)
        return page(periods, query, device_id)

    return await ctx.db.retried(read)
