"""What a report means. No I/O: the history goes in, the changed history comes out.

The history of a component is the run-length encoding of its observations in time order: version periods, each with
the first and the last moment its version was reported. A report of version V at moment T

* is *known* when T lies within a period of V: reports are idempotent by nature;
* otherwise *extends* a period of V that is the nearest one before or after T;
* otherwise *opens* a period between its neighbours. When T lies inside a period of another version, that period is
  split: its first and last moments stay what they are, and nothing between them is invented.

That a component is gone is an observation like any other: its version is `GONE`.

Two versions may be reported for the same moment. Neither period is split: one whose first report it is stays after the
newcomer if it lasts longer, and otherwise the newcomer comes last.
"""

from __future__ import annotations

import datetime as dt
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import attrs

from firmtrail_contract.firmware import FirmwareReport, ObservedAtSource, ReportOutcome
from firmtrail_contract.reports import ObservedMoment

MAX_CLOCK_LEAD = dt.timedelta(minutes=5)
#: the version of a component that the device does not have: its periods are stored like others, and shown to nobody
GONE = ""
EARLIEST_MOMENT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
#: how much older a moment may be than anything that its device has said: a clock that was never set shows 2000, 2010 or
#: the day on which its firmware was built, and a device that was offline shows days, weeks or months
MAX_LATENESS = dt.timedelta(days=548)
#: from least to most
_OUTCOMES = (ReportOutcome.KNOWN, ReportOutcome.EXTENDED, ReportOutcome.OPENED)


@attrs.frozen(kw_only=True)
class Period:
    """A version period as it is stored."""

    period_id: uuid.UUID
    version: str
    first_reported_at: dt.datetime
    last_reported_at: dt.datetime
    report_count: int
    #: None: it is the open one
    superseded_at: dt.datetime | None
    recorded_at: dt.datetime
    #: orders periods that begin at one moment
    tie_rank: int = 0


class Sighting(NamedTuple):
    """A version of a component, at one moment."""

    version: str
    at: dt.datetime
    received_at: dt.datetime


def moment(report: FirmwareReport, received_at: dt.datetime) -> ObservedMoment:
    """Decide which moment a report counts for.

    A moment that lies before 2000, or more than five minutes ahead of the server, is not believed. The server's own
    moment is still to be raised to the component's last report: replicas' clocks differ, and arrival order counts.
    """
    said = report.observed_at
    if said is not None and EARLIEST_MOMENT <= said <= received_at + MAX_CLOCK_LEAD:
        return ObservedMoment(at=said, source=ObservedAtSource.DEVICE)
    return ObservedMoment(at=received_at, source=ObservedAtSource.SERVER)


def place_all(periods: list[Period], sightings: Iterable[Sighting]) -> list[ReportOutcome]:
    """Put sightings into a stretch of history, one after the other, and say what each did to it.

    The stretch is as `place` asks for it, around all of them; it is changed in place.
    """
    outcomes: list[ReportOutcome] = []
    for seen in sightings:
        start = max(bisect_left(periods, seen.at, key=_first_reported_at) - 1, 0)
        stop = bisect_right(periods, seen.at, key=_first_reported_at) + 1
        periods[start:stop], outcome = place(periods[start:stop], seen)
        outcomes.append(outcome)
    return outcomes


def place_together(periods: list[Period], sightings: Sequence[Sighting]) -> list[ReportOutcome]:
    """Put sightings that came at once into a stretch of history, so that all of them are known afterwards.

    One of them may split the period in which another one was known, or which another one has extended: of what lies
    within a period only its first and last moment are kept. So they are placed again, with what was the first or the
    last moment of a period before, until none opens a period. That ends: each split makes two more periods, and there
    are never more than moments that begin or end one.
    """
    before = _ends(periods)
    outcomes = last = place_all(periods, sightings)
    while ReportOutcome.OPENED in last:
        lost = [Sighting(version, at, sightings[-1].received_at) for at, version in sorted(before - _ends(periods))]
        last = place_all(periods, [*sightings, *lost])
        outcomes = most(outcomes, last[: len(sightings)])
    return outcomes


def _ends(periods: Iterable[Period]) -> set[tuple[dt.datetime, str]]:
    return {(at, one.version) for one in periods for at in (one.first_reported_at, one.last_reported_at)}


def most(*outcomes: Sequence[ReportOutcome]) -> list[ReportOutcome]:
    """Of what each sighting did, at every time when it was placed, take the most."""
    return [max(of_one, key=_OUTCOMES.index) for of_one in zip(*outcomes, strict=True)]


def place(around: Sequence[Period], seen: Sighting) -> tuple[list[Period], ReportOutcome]:
    """Put an observation into the periods around its moment.

    `around` is a stretch of a component's history without a gap, oldest first: the nearest period that begins before
    the moment, all that begin at it, and the nearest that begins after it, as far as they exist.
    """
    at, periods = seen.at, list(around)
    if any(p.version == seen.version and p.first_reported_at <= at <= p.last_reported_at for p in periods):
        return periods, ReportOutcome.KNOWN
    for index, period in enumerate(periods):
        if period.first_reported_at < at < period.last_reported_at:
            later = periods[index + 1 :]
            return _linked(periods[:index] + _split(period, seen, later) + later), ReportOutcome.OPENED
    slots = _slots(periods, at)
    for index in _neighbours(slots, len(periods)):
        if periods[index].version == seen.version:
            periods[index] = _grown(periods[index], at)
            return _linked(periods), ReportOutcome.EXTENDED
    periods.insert(slots[-1], _opened(seen))
    return _linked(periods), ReportOutcome.OPENED


def _slots(periods: list[Period], at: dt.datetime) -> list[int]:
    """Where a period of this moment fits in; more than one place when other periods touch the moment."""
    return [
        slot
        for slot in range(len(periods) + 1)
        if (slot == 0 or periods[slot - 1].last_reported_at <= at)
        and (slot == len(periods) or at <= periods[slot].first_reported_at)
    ]


def _neighbours(slots: list[int], count: int) -> list[int]:
    return [index for slot in slots for index in (slot - 1, slot) if 0 <= index < count]


def _grown(period: Period, at: dt.datetime) -> Period:
    return attrs.evolve(
        period,
        first_reported_at=min(period.first_reported_at, at),
        last_reported_at=max(period.last_reported_at, at),
        report_count=period.report_count + 1,
    )


def _first_reported_at(period: Period) -> dt.datetime:
    return period.first_reported_at


def _opened(seen: Sighting) -> Period:
    return Period(
        period_id=uuid.uuid4(),
        version=seen.version,
        first_reported_at=seen.at,
        last_reported_at=seen.at,
        report_count=1,
        superseded_at=None,
        recorded_at=seen.received_at,
    )


def _split(period: Period, seen: Sighting, later: Sequence[Period]) -> list[Period]:
    """Part a period: what is known of it is its first moment and its last.

    The tail comes before all that begin at that last moment. Of these `later` holds the first.
    """
    ties = [other.tie_rank for other in later if other.first_reported_at == period.last_reported_at]
    head = attrs.evolve(period, last_reported_at=period.first_reported_at, report_count=period.report_count - 1)
    tail = attrs.evolve(
        period,
        period_id=uuid.uuid4(),
        first_reported_at=period.last_reported_at,
        report_count=1,
        recorded_at=seen.received_at,
        tie_rank=min(ties, default=1) - 1,
    )
    return [head, _opened(seen), tail]


def _linked(periods: list[Period]) -> list[Period]:
    """Let each period end where the next one begins, and rank those that begin at one moment.

    The last one keeps its end: what follows it has not changed.
    """
    linked = periods[:1]
    for period in periods[1:]:
        earlier = linked[-1]
        linked[-1] = attrs.evolve(earlier, superseded_at=period.first_reported_at)
        if period.first_reported_at == earlier.first_reported_at and period.tie_rank <= earlier.tie_rank:
            period = attrs.evolve(period, tie_rank=earlier.tie_rank + 1)  # noqa: PLW2901
        linked.append(period)
    return linked
