"""Moments on the wire: RFC 3339 with an offset going in, UTC with microseconds and a Z coming out.

Where a question is about a moment (`at`), a date alone will do, and means the end of that day in UTC; where it is about
what came since or before a moment, a date means its beginning.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import NewType

from firmtrail_contract.limits import Violation, ViolationCode

_HOUR_MINUTE = r"([01]\d|2[0-3]):[0-5]\d"  # datetime takes offsets of 75 minutes, and in newer Pythons the hour 24
_RFC_3339 = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{_HOUR_MINUTE}:\d\d(\.\d{{1,9}})?([Zz]|[+-]{_HOUR_MINUTE})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

#: the moment that a question is about
AsOf = NewType("AsOf", dt.datetime)
#: the moment since or before which something was
DayStart = NewType("DayStart", dt.datetime)
#: one end of a stretch of time: a moment, or a day of the time zone that is asked for
DayOrMoment = NewType("DayOrMoment", dt.date)


def parse_moment(text: str) -> dt.datetime:
    """Read an RFC 3339 date-time into an aware datetime in UTC, cut to microseconds.

    Raises:
        Violation: it is not one, has no offset, or lies outside the years 1 to 9999.
    """
    if not _RFC_3339.fullmatch(text):
        raise _malformed()
    try:
        return dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise _malformed() from None


def parse_as_of(text: str) -> AsOf:
    """Read an RFC 3339 date-time, or a date, which means its last microsecond in UTC.

    Raises:
        Violation: it is neither.
    """
    day = _day_or_moment(text)
    return AsOf(day) if isinstance(day, dt.datetime) else end_of(day)


def parse_day_start(text: str) -> DayStart:
    """Read an RFC 3339 date-time, or a date, which means its first microsecond in UTC.

    Raises:
        Violation: it is neither.
    """
    day = _day_or_moment(text)
    return DayStart(day if isinstance(day, dt.datetime) else dt.datetime.combine(day, dt.time.min, dt.UTC))


def parse_day_or_moment(text: str) -> DayOrMoment:
    """Read an RFC 3339 date-time into an aware datetime in UTC, or a date.

    Raises:
        Violation: it is neither.
    """
    return DayOrMoment(_day_or_moment(text))


def end_of(day: dt.date) -> AsOf:
    """The last microsecond of a day in UTC."""
    return AsOf(dt.datetime.combine(day, dt.time.max, dt.UTC))


def format_moment(moment: dt.datetime) -> str:
    """Write an aware datetime as `2026-05-03T12:00:00.000000Z`: always 27 characters, so text order is time order."""
    if moment.tzinfo is not dt.UTC:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _day_or_moment(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text) if _DATE.fullmatch(text) else parse_moment(text)
    except ValueError:
        raise _malformed("a date such as 2026-05-03, or ") from None


def _malformed(or_else: str = "") -> Violation:
    text = f"must be {or_else}a date-time with an offset, such as 2026-05-03T12:00:00Z"
    return Violation(ViolationCode.MALFORMED, text)
