"""The classes of closed periods by how long they were in force, and where those of a moment begin. No I/O.

Class k holds the periods shorter than 2^k days, and longer than those of class k - 1; the last one holds all others. So
one that was in force at a moment began after the moment less 2^k days. The column `span` of device_firmware_periods is
the class.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

SPANS = range(11)
_EVER = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def span_bounds(at: dt.datetime) -> dict[str, list[int] | list[dt.datetime]]:
    """Each class, and the moment after which each of its periods began that was still in force at `at`."""
    return {"spans": [*SPANS], "lower_bounds": _lower_bounds(at)}


def span_stretches(moments: Sequence[dt.datetime]) -> dict[str, list[int] | list[dt.datetime]]:
    """Stretches of the classes, each with the first moment of the series at which its periods may be in force.

    They hold every period that was in force at any moment, once: those that began after the moment before, and so late
    that their class may reach this one. `first_moments` are places in the series.
    """
    spans: list[int] = []
    first_moments: list[int] = []
    lower: list[dt.datetime] = []
    upper: list[dt.datetime] = []
    for place, at in enumerate(moments):
        before = moments[place - 1] if place else _EVER
        spans += SPANS
        first_moments += [place] * len(SPANS)
        lower += [max(before, bound) for bound in _lower_bounds(at)]
        upper += [at] * len(SPANS)
    return {"spans": spans, "first_moments": first_moments, "lower_bounds": lower, "upper_bounds": upper}


def _lower_bounds(at: dt.datetime) -> list[dt.datetime]:
    return [*[_days_before(at, 2**span) for span in SPANS[:-1]], _EVER]


def _days_before(at: dt.datetime, days: int) -> dt.datetime:
    earlier = dt.timedelta(days=days)
    return at - earlier if at - _EVER > earlier else _EVER
