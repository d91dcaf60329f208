"""The stretch of time that a question is about: moments, or days of a time zone."""

from __future__ import annotations

import datetime as dt

from firmtrail_server.errors import FilterRefused

DAY = dt.timedelta(days=1)


def time_range(
    since: dt.date | None, until: dt.date | None, now: dt.datetime, zone: dt.tzinfo, default: dt.timedelta
) -> tuple[dt.datetime, dt.datetime]:
    """Say when a stretch begins and ends, both in UTC; it ends now at the latest.

    A day means its beginning as the start, and its last microsecond as the end, by the clocks of the zone.

    Raises:
        FilterRefused: it would end before it begins.
    """
    last = now if until is None else min(_last_moment(until, zone), now)
    first = last - default if since is None else _first_moment(since, zone)
    if first > last:
        raise FilterRefused("since", "must not lie after until, nor in the future")
    return first, last


def _first_moment(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    if isinstance(day, dt.datetime):
        return day
    return dt.datetime.combine(day, dt.time.min, zone).astimezone(dt.UTC)


def _last_moment(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    if isinstance(day, dt.datetime):
        return day
    if day == dt.date.max:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    return _first_moment(day + DAY, zone) - dt.timedelta(microseconds=1)
