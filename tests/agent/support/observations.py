"""Observations and clocks for tests."""

from __future__ import annotations

import uuid

from firmtrail import ClockReading, ComponentReading, ObservationRecord

#: whose the records are
DEVICE = uuid.UUID(int=7)


class Time:
    """A boot clock that the test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def reading(ms: int, *, boot: int = 1) -> ClockReading:
    return ClockReading(boot_id=uuid.UUID(int=boot), boot_sequence=boot, boot_time_ms=ms)


def observed(version: str, ms: int, *, boot: int = 1) -> ObservationRecord:
    return ObservationRecord(first_observed=reading(ms, boot=boot), components=[ComponentReading(version=version)])
