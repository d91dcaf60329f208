"""Moments and dates as people type them: `2026-05-03`, `2026-05-03T12:00:00Z`, `yesterday`, `7d`, `2h ago`."""

from __future__ import annotations

import argparse
import datetime as dt
import re

from firmtrail_contract import Violation
from firmtrail_contract.moments import parse_day_or_moment, parse_moment

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_DAYS_AGO = {"today": 0, "yesterday": 1}
_EXAMPLES = "must be such as 2026-05-03T12:00:00Z, 30d or 12h"
_EXAMPLES_WITH_DATES = "must be such as 2026-05-03, 2026-05-03T12:00:00Z, yesterday, 7d or 2h ago"


def later(text: str) -> dt.datetime:
    """A moment, also as a time from now on: 30d, 12h."""
    try:
        return _distance(text, 1) or parse_moment(text)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError(_EXAMPLES) from None


def observed(text: str) -> dt.datetime:
    """A moment, also as a time until now: 7d, 1h ago. No date, since a report has one exact moment."""
    try:
        return _ago(text) or parse_moment(text)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError(_EXAMPLES) from None


def day_or_moment(text: str) -> dt.date | dt.datetime:
    """A moment, or a date for the server to read: as the beginning or the end of a day, whatever it is asked for."""
    try:
        if text in _DAYS_AGO:
            return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=_DAYS_AGO[text])
        return _ago(text) or parse_day_or_moment(text)
    except (Violation, OverflowError):
        raise argparse.ArgumentTypeError(_EXAMPLES_WITH_DATES) from None


def earlier(text: str) -> dt.datetime:
    """A moment, for filters of which the server knows moments alone; a date is its beginning in UTC."""
    given = day_or_moment(text)
    return given if isinstance(given, dt.datetime) else dt.datetime.combine(given, dt.time.min, dt.UTC)


def _ago(text: str) -> dt.datetime | None:
    return _distance(text.removesuffix("ago").rstrip(), -1)


def _distance(text: str, direction: int) -> dt.datetime | None:
    if not (length := re.fullmatch(r"([0-9]{1,6})([wdhm])", text)):
        return None
    return dt.datetime.now(dt.UTC) + direction * dt.timedelta(**{_UNITS[length[2]]: int(length[1])})
