"""How a report is stored: nearly always one statement; a late one finds its place among older periods first."""

from __future__ import annotations

import uuid

from firmtrail_contract import FirmwareReceipt, ReportOutcome
from firmtrail_server.db import Connection
from firmtrail_server.errors import DeviceNotFound
from firmtrail_server.meaning import Observation, Period, place
from firmtrail_server.queries import reports


async def record(conn: Connection, project_id: uuid.UUID, seen: Observation) -> FirmwareReceipt:
    """Store an observation; the answer is true once the transaction has committed.

    Raises:
        DeviceNotFound: the project has no such device.
    """
    recorded = await reports.record_latest(conn, project_id, [seen])
    if not recorded:
        raise DeviceNotFound(seen.device_id)
    return FirmwareReceipt(
        component=seen.component,
        version=seen.version,
        observed_at=recorded[0].observed_at,
        observed_at_source=seen.observed_at_source,
        outcome=recorded[0].outcome or await _record_late(conn, project_id, seen),
    )


async def _record_late(conn: Connection, project_id: uuid.UUID, seen: Observation) -> ReportOutcome:
    before = await _periods_around(conn, project_id, seen)
    after, outcome = place(before, seen)
    outdated = [period for period in before if period not in after and period.superseded_at is not None]
    if outdated:
        await reports.delete_closed_periods(conn, project_id, seen.device_id, outdated)
    for period in after:
        if period in before:
            continue
        save = reports.update_open_period if period.superseded_at is None else reports.insert_closed_period
        await save(conn, project_id, seen.device_id, seen.component, period)
    return outcome


async def _periods_around(conn: Connection, project_id: uuid.UUID, seen: Observation) -> list[Period]:
    """The stretch of history that `place` asks for; the open period is part of it unless a closed one lies between."""
    closed = await reports.closed_periods_around(conn, project_id, seen.device_id, seen.component, seen.observed_at)
    if closed and closed[-1].first_reported_at > seen.observed_at:
        return closed
    open_period = await reports.find_open_period(conn, project_id, seen.device_id, seen.component)
    return [*closed, open_period] if open_period else closed
