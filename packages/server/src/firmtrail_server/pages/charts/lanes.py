"""The history of a device as lanes: one for each component, with a bar for each version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby

import attrs

from firmtrail_contract import ObservedAtSource, VersionPeriod
from firmtrail_server.pages.time_bar import TimeBar

#: a bar that lasted for a moment can still be seen and pointed at
_LEAST_WIDTH = 0.25
#: a version that was recorded later than that was kept by the device while it was offline, or imported
_LATE = dt.timedelta(minutes=5)


@attrs.frozen(kw_only=True)
class Bar:
    """A version period: surely from its first report to its last one, and probably until the next version."""

    period: VersionPeriod
    #: where it begins, and how wide it is, in percent of the lane
    x: float
    width: float
    #: the same of the part after its last report, of which nobody knows when in it the device changed
    tail_x: float
    tail_width: float
    is_in_force: bool

    @property
    def recorded_late(self) -> bool:
        return self.period.recorded_at - self.period.first_reported_at > _LATE

    @property
    def bounds(self) -> list[float]:
        """Where a moment of it is a bound: known to be then at the latest."""
        period, bound = self.period, ObservedAtSource.UPPER_BOUND
        ends = ((self.x, period.first_reported_at_source), (self.x + self.width, period.last_reported_at_source))
        return [x for x, source in ends if source is bound]

    @property
    def unknown_seconds(self) -> float:
        """How long before its end the version was last reported."""
        end = self.period.superseded_at
        return (end - self.period.last_reported_at).total_seconds() if end else 0


@attrs.frozen(kw_only=True)
class Lane:
    """A component's versions, oldest first."""

    component: str
    bars: list[Bar]


def lanes(periods: Sequence[VersionPeriod], bar: TimeBar) -> list[Lane]:
    """Lay the periods out by component, each where it lies on the time bar."""
    by_component = groupby(sorted(periods, key=_order), key=lambda period: period.component)
    return [Lane(component=name, bars=[_bar(period, bar) for period in of_one]) for name, of_one in by_component]


def _order(period: VersionPeriod) -> tuple[str, dt.datetime]:
    return period.component, period.first_reported_at


def _bar(period: VersionPeriod, bar: TimeBar) -> Bar:
    first, last = bar.percent_of(period.first_reported_at), bar.percent_of(period.last_reported_at)
    end = bar.percent_of(period.superseded_at or bar.now)
    width = max(last - first, _LEAST_WIDTH)
    at = bar.at or bar.now
    return Bar(
        period=period,
        x=first,
        width=round(width, 3),
        tail_x=round(first + width, 3),
        tail_width=round(max(end - first - width, 0), 3),
        is_in_force=period.first_reported_at <= at and (period.superseded_at is None or period.superseded_at > at),
    )
