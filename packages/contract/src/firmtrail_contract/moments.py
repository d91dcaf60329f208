"""Moments on the wire: RFC 3339 with an offset going in, UTC with microseconds and a Z coming out."""

from __future__ import annotations

import datetime as dt
import re

from firmtrail_contract.limits import Violation, ViolationCode

_HOUR_MINUTE = r"([01]\d|2[0-3]):[0-5]\d"  # datetime takes offsets of 75 minutes, and in newer Pythons the hour 24
_RFC_3339 = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{_HOUR_MINUTE}:\d\d(\.\d{{1,9}})?([Zz]|[+-]{_HOUR_MINUTE})", re.ASCII)


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


def format_moment(moment: dt.datetime) -> str:
    """Write an aware datetime as `2026-05-03T12:00:00.000000Z`: always 27 characters, so text order is time order."""
    if moment.tzinfo is not dt.UTC:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _malformed() -> Violation:
    return Violation(ViolationCode.MALFORMED, "must be a date-time with an offset, such as 2026-05-03T12:00:00Z")
