"""The stretch of time that a question is about, and the moments in it: by the clocks of a time zone. No I/O."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from itertools import count, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from firmtrail_contract.adoption import Step

MAX_MOMENTS = 1000
#: a series lies between these; the calendar of no time zone ends near them
EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
#: of the calendar: arithmetic ends there
_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)


class SeriesInvalid(ValueError):
    """The series has no moment, too many, or an unknown time zone; the message says what to write."""


def time_zone(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name. Raises SeriesInvalid."""
    try:
        return ZoneInfo(name)
    # A name that is a path is a ValueError; where the zones come from the package tzdata, one that is a directory or
    # too long for a file's name is an OSError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SeriesInvalid(
            f"The time zone '{name}' is not known. Write an IANA name, such as Europe/Vienna or UTC."
        ) from None


def moments(first: dt.datetime, until: dt.datetime, step: Step, zone: dt.tzinfo) -> list[dt.datetime]:
    """List the moments from `first` on, a step apart, none after `until`; in UTC, strictly ascending.

    Days, weeks and months are counted from `first` by the zone's calendar and keep its time of day. A time of day that
    the clocks skip is the moment as much later, one that comes twice is the first of the two, and the 31st of a shorter
    month is its last day.

    Raises SeriesInvalid for `until` before `first`, more than MAX_MOMENTS, or a moment before 1970 or after 2199.
    """
    if not EARLIEST <= first <= until < LATEST:
        raise SeriesInvalid("The series must not end before it starts, and must lie between the years 1970 and 2199.")
    found: list[dt.datetime] = []
    for moment in takewhile(lambda moment: moment <= until, _from(first, step, zone)):
        # Where a zone skips a whole day (Samoa, 30 December 2011), two days of the calendar are one moment.
        if not found or moment > found[-1]:
            found.append(moment)
        if len(found) > MAX_MOMENTS:
            raise SeriesInvalid(
                f"The series has more than {MAX_MOMENTS} moments. Choose a longer step than {step}, or a shorter time."
            )
    return found


def _from(first: dt.datetime, step: Step, zone: dt.tzinfo) -> Iterator[dt.datetime]:
    start = first.astimezone(dt.UTC)
    if step is Step.HOUR:
        return (start + dt.timedelta(hours=n) for n in count())
    local = first.astimezone(zone)
    later = (_stepped(local, step, n).astimezone(dt.UTC) for n in count(1))
    return (moment for moments in ([start], later) for moment in moments)


def _stepped(local: dt.datetime, step: Step, n: int) -> dt.datetime:
    """Go n steps by the calendar. Arithmetic within one zone keeps the time of day."""
    local = local.replace(fold=0)
    if step is Step.MONTH:
        years, month = divmod(local.month - 1 + n, 12)
        year = local.year + years
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        return local.replace(year=year, month=month + 1, day=day)
    return local + dt.timedelta(days=n if step is Step.DAY else 7 * n)


def time_range(
    since: dt.date | None, until: dt.date | None, now: dt.datetime, zone: dt.tzinfo, default: dt.timedelta
) -> tuple[dt.datetime, dt.datetime]:
    """Say when a stretch begins and ends, both in UTC; it ends now at the latest.

    A day means its beginning as the start, and its last microsecond as the end, by the clocks of the zone.

    Raises:
        SeriesInvalid: it would end before it begins.
    """
    last = now if until is None else min(_last_moment(until, zone), now)
    first = _before(last, default) if since is None else _first_moment(since, zone)
    if first > last:
        raise SeriesInvalid("must not lie after until, nor in the future")
    return first, last


def _before(moment: dt.datetime, duration: dt.timedelta) -> dt.datetime:
    return moment - min(duration, moment - _FIRST)


def _first_moment(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    if isinstance(day, dt.datetime):
        return day
    if day == dt.date.min:
        return _FIRST
    return dt.datetime.combine(day, dt.time.min, zone).astimezone(dt.UTC)


def _last_moment(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    if isinstance(day, dt.datetime):
        return day
    if day == dt.date.max:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    return _first_moment(day + dt.timedelta(days=1), zone) - dt.timedelta(microseconds=1)
