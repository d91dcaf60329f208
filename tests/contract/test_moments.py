"""Moments as RFC 3339 writes them, and what only looks like one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from firmtrail_contract import Violation, ViolationCode, format_moment, parse_moment
from firmtrail_contract.moments import parse_as_of, parse_day_or_moment, parse_day_start


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-03T12:00:00Z", "2026-05-03T12:00:00.000000Z"),
        ("2026-05-03t12:00:00.123456789z", "2026-05-03T12:00:00.123456Z"),
        ("2026-05-03T12:00:00-00:00", "2026-05-03T12:00:00.000000Z"),
        ("2026-05-03T12:00:00+05:45", "2026-05-03T06:15:00.000000Z"),
        ("2026-05-03T12:00:00+23:59", "2026-05-02T12:01:00.000000Z"),
        ("2026-05-03T23:59:59-23:59", "2026-05-04T23:58:59.000000Z"),
    ],
)
def test_a_moment_with_an_offset_is_read_as_one_in_utc(text: str, expected: str) -> None:
    moment = parse_moment(text)

    assert (format_moment(moment), moment.tzinfo) == (expected, dt.UTC)


@pytest.mark.parametrize("offset", ["+00:60", "-00:60", "+23:75", "+05:99", "+24:00", "-24:00", "+0545", "+05", ""])
def test_an_offset_has_hours_up_to_23_and_minutes_up_to_59(offset: str) -> None:
    with pytest.raises(Violation) as refused:
        parse_moment(f"2026-05-03T12:00:00{offset}")

    assert refused.value.code is ViolationCode.MALFORMED


@pytest.mark.parametrize("time", ["24:00:00", "23:60:00", "23:59:60", "1:00:00", "12:00"])
def test_a_time_of_day_ends_at_23_59_59(time: str) -> None:
    with pytest.raises(Violation) as refused:
        parse_moment(f"2026-05-03T{time}Z")

    assert refused.value.code is ViolationCode.MALFORMED


@pytest.mark.parametrize("parse", [parse_as_of, parse_day_start, parse_day_or_moment])
@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "2026-5-3", "2026-05-03T12:00:00", "yesterday", ""])
def test_where_a_date_will_do_the_refusal_shows_one(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(Violation, match="a date such as 2026-05-03, or a date-time") as refused:
        parse(text)

    assert refused.value.code is ViolationCode.MALFORMED
