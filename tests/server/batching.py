"""Batches for tests, and the moment at which they are received."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from firmtrail_contract import (
    ClockReading,
    ClockState,
    ComponentReading,
    ObservationRecord,
    ReportBatch,
)

DEVICE = uuid.UUID(int=1)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def reading(boot: int, ms: int, *, wall: dt.datetime | None = None, state: ClockState | None = None) -> ClockReading:
    return ClockReading(
        boot_id=uuid.UUID(int=boot),
        boot_sequence=boot,
        boot_time_ms=ms,
        wall_time=wall,
        clock_state=state or (ClockState.SYNCED if wall else ClockState.UNSYNCED),
    )


def record(first: ClockReading, last: ClockReading | None = None, version: str = "1") -> ObservationRecord:
    return ObservationRecord(
        first_observed=first, last_observed=last, components=[ComponentReading(component="main", version=version)]
    )


def batch(sent: ClockReading, *records: ObservationRecord, waiting: Sequence[ClockReading] = ()) -> ReportBatch:
    return ReportBatch(sent=sent, records=list(records), waiting=list(waiting))


def ago(**duration: float) -> dt.datetime:
    return NOW - dt.timedelta(**duration)
