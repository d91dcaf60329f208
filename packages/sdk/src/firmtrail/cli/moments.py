"""Moments and dates as people type them: `2026-05-03`, `2026-05-03T12:00:00Z`, `yesterday`, `7d`, `2h ago`."""

from __future__ import annotations

import argparse
import datetime as dt
import re

from firmtrail_contract import Violation
from firmtrail_contract.moments import parse_day_or_moment

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DAYS_AGO = {"tomorrow": -1, "today": 0, "yesterday": 1}
_AHEAD = "must be such as 30d, 12h, 2026-05-03 or 2026-05-03T12:00:00Z"
_BACK = "must be such as 2026-05-03, 2026-05-03T12:00:00Z, yesterday, 7d or 2h ago"
_LENGTH = "must be such as 2h, 7d or 0"


def later(text: str) -> dt.datetime:
    """A moment, also as a time from now on: 30d, 12h; a date is its end in UTC."""
    try:
        return _distance(text, 1) or _moment(_day(text) or parse_day_or_moment(text), dt.time.max)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError(_AHEAD) from None


def seconds(text: str) -> int:
    """A length of time: 2h, 7d, 0."""
    length = _length("0s" if text == "0" else text)
    if length is None:
        raise argparse.ArgumentTypeError(_LENGTH)
    return round(length.total_seconds())


def day_or_moment(text: str) -> dt.date | dt.datetime:
    """A moment, or a date for the server to read: as the beginning or the end of a day, whatever it is asked for."""
    try:
        return _distance(text.removesuffix("ago").rstrip(), -1) or _day(text) or parse_day_or_moment(text)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError(_BACK) from None


def earlier(text: str) -> dt.datetime:
    """A moment, where the server knows moments alone; a date is its beginning in UTC."""
    return _moment(day_or_moment(text), dt.time.min)


def _moment(given: dt.date | dt.datetime, time: dt.time) -> dt.datetime:
    return given if isinstance(given, dt.datetime) else dt.datetime.combine(given, time, dt.UTC)


def _day(text: str) -> dt.date | None:
    if text not in _DAYS_AGO:
        return None
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=_DAYS_AGO[text])


def _distance(text: str, direction: int) -> dt.datetime | None:
    length = _length(text)
    return None if length is None else dt.datetime.now(dt.UTC) + direction * length


def _length(text: str) -> dt.timedelta | None:
    found = re.fullmatch(r"([0-9]{1,6})([wdhms])", text)
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
