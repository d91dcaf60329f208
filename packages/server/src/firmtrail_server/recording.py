"""How reports are stored within a transaction: nearly always many by one statement.

A late one finds its place among older periods first, alone.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from functools import partial

import attrs

from firmtrail_contract import FirmwareReceipt, ReportOutcome
from firmtrail_server.db import Connection, Run, run
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.meaning import Observation, Period, Report, place
from firmtrail_server.queries import periods, reports
from firmtrail_server.queries.reports import Recorded

#: what became of a report; None: it is late, and nothing of it is stored
Receipts = list[FirmwareReceipt] | None


async def record_together(through: Run, batch: Sequence[Report]) -> list[Receipts | Unauthenticated]:
    """Store reports by one statement; no two may be of one component of a device.

    `Unauthenticated` stands for a report whose key is not alive; the others are stored all the same.
    """
    recorded = iter(await reports.record_latest(through, batch))
    return [_receipts([(seen, next(recorded)) for seen in report.observations]) for report in batch]


async def record_alone(conn: Connection, report: Report) -> list[FirmwareReceipt]:
    """Store a report, also a late one.

    Raises:
        Unauthenticated: its key is not alive.
    """
    return [await _record_one(conn, attrs.evolve(report, observations=[seen])) for seen in report.observations]


def _receipts(recorded: Sequence[tuple[Observation, Recorded | None]]) -> Receipts | Unauthenticated:
    receipts: list[FirmwareReceipt] = []
    for seen, stored in recorded:
        if stored is None:
            return Unauthenticated()
        if stored.outcome is None:
            return None
        receipts.append(_receipt(seen, stored.observed_at, stored.outcome))
    return receipts


async def _record_one(conn: Connection, report: Report) -> FirmwareReceipt:
    (seen,), (stored,) = report.observations, await reports.record_latest(partial(run, conn), [report])
    if stored is None:
        raise Unauthenticated
    return _receipt(seen, stored.observed_at, stored.outcome or await _record_late(conn, report.project_id, seen))


def _receipt(seen: Observation, observed_at: dt.datetime, outcome: ReportOutcome) -> FirmwareReceipt:
    return FirmwareReceipt(
        component=seen.component,
        version=seen.version,
        observed_at=observed_at,
        observed_at_source=seen.observed_at_source,
        outcome=outcome,
    )


async def _record_late(conn: Connection, project_id: uuid.UUID, seen: Observation) -> ReportOutcome:
    before = await _periods_around(conn, project_id, seen)
    after, outcome = place(before, seen)
    outdated = [period for period in before if period not in after and period.superseded_at is not None]
    if outdated:
        await periods.delete_closed_periods(conn, project_id, seen.device_id, outdated)
    for period in after:
        if period in before:
            continue
        save = periods.update_open_period if period.superseded_at is None else periods.insert_closed_period
        await save(conn, project_id, seen.device_id, seen.component, period)
    return outcome


async def _periods_around(conn: Connection, project_id: uuid.UUID, seen: Observation) -> list[Period]:
    """The stretch of history that `place` asks for; the open period is part of it unless a closed one lies between."""
    closed = await periods.closed_periods_around(conn, project_id, seen.device_id, seen.component, seen.observed_at)
    if closed and closed[-1].first_reported_at > seen.observed_at:
        return closed
    open_period = await periods.find_open_period(conn, project_id, seen.device_id, seen.component)
    return [*closed, open_period] if open_period else closed
