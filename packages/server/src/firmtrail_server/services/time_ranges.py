"""The stretch of time that a question is about, or which parameter is wrong."""

from __future__ import annotations

import datetime as dt

from firmtrail_contract import series
from firmtrail_server.errors import FilterRefused

DAY = dt.timedelta(days=1)


def time_range(
    since: dt.date | None, until: dt.date | None, now: dt.datetime, zone: dt.tzinfo, default: dt.timedelta
) -> tuple[dt.datetime, dt.datetime]:
    """Say when a stretch begins and ends, both in UTC, as `series.time_range` does.

    Raises:
        FilterRefused: it would end before it begins.
    """
    try:
        return series.time_range(since, until, now, zone, default)
    except series.SeriesInvalid as error:
        raise FilterRefused("since", str(error)) from None
