"""What the synced readings of a boot say of its start, weighed against each other. No I/O.

A reading with a synced clock says when its boot started: its wall time, less what the boot clock had counted. Readings
that agree, within five minutes, support each other. One that the others contradict decides nothing; of two that
contradict each other the later one is right, since clocks are set and not unset.

A virtual machine that is held counts nothing: from then on its readings say that the boot started later. So two starts,
of two readings or more each, are both right where the later readings give the later start.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import attrs

from firmtrail_contract import ClockReading, ClockState
from firmtrail_contract.version_periods import EARLIEST_MOMENT, MAX_CLOCK_LEAD

#: readings that agree, before they count beside others that contradict them
_ENOUGH = 2


@attrs.frozen(kw_only=True)
class WallStart:
    """A start of a boot, and the readings that say so."""

    at: dt.datetime
    #: what the boot clock showed at the first of them, and at the last
    first: dt.timedelta
    last: dt.timedelta
    count: int

    def agrees_with(self, start: dt.datetime) -> bool:
        return abs(self.at - start) <= MAX_CLOCK_LEAD

    def goes_with(self, other: WallStart) -> bool:
        """Say whether both may be right: between them the machine was held."""
        earlier, later = sorted((self, other), key=lambda start: start.first)
        return earlier.last < later.first and earlier.at < later.at


def wall_starts(readings: Iterable[ClockReading]) -> list[WallStart]:
    """Group the synced readings of a boot by the start that they tell."""
    told = sorted({(start, elapsed(one)) for one in readings if (start := _start(one)) is not None})
    groups: list[list[tuple[dt.datetime, dt.timedelta]]] = []
    for one in told:
        if groups and one[0] - groups[-1][0][0] <= MAX_CLOCK_LEAD:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [_group(sorted(group, key=lambda one: one[1])) for group in groups]


def weighed(starts: Iterable[WallStart], *, sure: WallStart | None = None) -> list[WallStart]:
    """Leave out what others contradict, in the order of the readings.

    Without a start that is sure, the best supported one counts in any case.
    """
    right = [] if sure is None else [sure]
    for start in sorted(starts, key=lambda start: (start.count, start.last), reverse=True):
        if not right or (start.count >= _ENOUGH and all(start.goes_with(other) for other in right)):
            right.append(start)
    return sorted((start for start in right if start is not sure), key=lambda start: start.first)


def elapsed(reading: ClockReading) -> dt.timedelta:
    return dt.timedelta(0, 0, 0, reading.boot_time_ms)


def synced_wall_time(reading: ClockReading) -> dt.datetime | None:
    """The wall time of a reading, if its clock is synced; no clock is before 2000."""
    if reading.clock_state is not ClockState.SYNCED or reading.wall_time is None:
        return None
    return reading.wall_time if reading.wall_time >= EARLIEST_MOMENT else None


def _start(reading: ClockReading) -> dt.datetime | None:
    wall_time = synced_wall_time(reading)
    return None if wall_time is None else wall_time - elapsed(reading)


def _group(told: Sequence[tuple[dt.datetime, dt.timedelta]]) -> WallStart:
    return WallStart(at=told[0][0], first=told[0][1], last=told[-1][1], count=len(told))
