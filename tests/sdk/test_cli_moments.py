"""Moments and dates as people type them after `--at`, `--since` and the like."""

from __future__ import annotations

import argparse
import datetime as dt

import pytest

from firmtrail.cli.moments import day_or_moment, earlier, later, seconds

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)


def test_a_date_goes_to_the_server_as_a_date() -> None:
    given = day_or_moment("2026-05-03")

    assert (given, type(given)) == (dt.date(2026, 5, 3), dt.date)


def test_a_date_begins_in_utc_where_a_moment_is_needed() -> None:
    assert earlier("2026-05-03") == dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


def test_yesterday_is_the_day_before_today_in_utc() -> None:
    before = dt.datetime.now(dt.UTC).date()
    yesterday, today = day_or_moment("yesterday"), day_or_moment("today")
    after = dt.datetime.now(dt.UTC).date()

    assert today in {before, after}
    assert yesterday in {before - dt.timedelta(days=1), after - dt.timedelta(days=1)}


@pytest.mark.parametrize("read", [day_or_moment, earlier, later])
def test_a_date_time_is_read_with_its_offset(read: object) -> None:
    assert callable(read)
    assert read("2026-05-03T14:00:00+02:00") == NOON


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("7d", dt.timedelta(days=7)),
        ("2h ago", dt.timedelta(hours=2)),
        ("15m", dt.timedelta(minutes=15)),
        ("2w ago", dt.timedelta(weeks=2)),
    ],
)
def test_a_length_of_time_counts_back_from_now(text: str, length: dt.timedelta) -> None:
    before = dt.datetime.now(dt.UTC)
    read = earlier(text)
    after = dt.datetime.now(dt.UTC)

    assert before - length <= read <= after - length
    assert later("1d") > after


@pytest.mark.parametrize("text", ["", "ago", "7", "d", "7y", "2026-02-30", "2026-05-03T12:00:00", "-1d", "999999w"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="2h ago"):
        day_or_moment(text)


def test_a_date_ahead_means_its_end_in_utc() -> None:
    assert later("2026-05-03") == dt.datetime(2026, 5, 3, 23, 59, 59, 999_999, dt.UTC)
    assert later("tomorrow") > dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(("text", "length"), [("2h", 7_200), ("7d", 604_800), ("0", 0), ("90s", 90)])
def test_a_length_of_time_is_read_in_seconds(text: str, length: int) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "7", "-1h", "2 h", "2h ago"])
def test_what_is_no_length_of_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="2h, 7d"):
        seconds(text)
