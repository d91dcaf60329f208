"""The moments of a series, by the clocks of time zones."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firmtrail_contract import Step
from firmtrail_contract.series import MAX_MOMENTS, SeriesInvalid, moments, time_range, time_zone

UTC = dt.UTC
ZONES = [
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # its summer time is half an hour
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",  # 30 December 2011 never was
    "Pacific/Kiritimati",
]

starts = st.integers(0, 4_000_000_000).map(lambda seconds: dt.datetime.fromtimestamp(seconds, UTC))
zones = st.sampled_from(ZONES).map(ZoneInfo)


def local(text: str, zone: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def told(first: str, until: str, step: Step, zone: str) -> list[str]:
    """The moments as the clocks of the zone show them."""
    found = moments(local(first, zone), local(until, zone), step, ZoneInfo(zone))
    return [moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for moment in found]


def test_days_keep_the_time_of_day_when_summer_time_begins() -> None:
    assert told("2026-03-28T12:00", "2026-03-30T12:00", Step.DAY, "Europe/Vienna") == [
        "2026-03-28T12:00+01:00",
        "2026-03-29T12:00+02:00",
        "2026-03-30T12:00+02:00",
    ]


def test_a_time_of_day_that_clocks_skip_is_an_hour_later() -> None:
    assert told("2026-03-28T02:30", "2026-03-30T12:00", Step.DAY, "Europe/Vienna") == [
        "2026-03-28T02:30+01:00",
        "2026-03-29T03:30+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_a_time_of_day_that_comes_twice_is_the_first() -> None:
    assert told("2026-10-24T02:30", "2026-10-26T12:00", Step.DAY, "Europe/Vienna")[1] == "2026-10-25T02:30+02:00"


def test_hours_are_sixty_minutes_when_the_clocks_change() -> None:
    assert told("2026-10-25T01:00", "2026-10-25T04:00", Step.HOUR, "Europe/Vienna") == [
        "2026-10-25T01:00+02:00",
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
        "2026-10-25T04:00+01:00",
    ]


def test_months_from_the_thirty_first_end_with_shorter_months() -> None:
    assert [at[:10] for at in told("2027-10-31", "2028-03-31", Step.MONTH, "America/New_York")] == [
        "2027-10-31",
        "2027-11-30",
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
    ]


def test_a_year_by_week_has_fifty_three_moments() -> None:
    assert len(told("2025-01-01", "2026-01-01", Step.WEEK, "Asia/Kathmandu")) == 53


def test_a_day_that_a_zone_skipped_is_no_moment() -> None:
    assert told("2011-12-29", "2012-01-01", Step.DAY, "Pacific/Apia") == [
        "2011-12-29T00:00-10:00",
        "2011-12-31T00:00+14:00",
        "2012-01-01T00:00+14:00",
    ]


def test_a_series_of_no_length_has_one_moment() -> None:
    assert len(told("2026-01-01", "2026-01-01", Step.MONTH, "UTC")) == 1


@given(starts, st.integers(0, 80), st.integers(0, 23), st.sampled_from(Step), zones)
def test_moments_ascend_and_are_those_of_the_calendar(
    first: dt.datetime, days: int, hours: int, step: Step, zone: ZoneInfo
) -> None:
    assume(days < 40 or step is not Step.HOUR)
    until = first + dt.timedelta(days=days, hours=hours)

    found = moments(first, until, step, zone)

    assert found[0] == first
    assert all(earlier < later for earlier, later in pairwise(found))
    assert found[-1] <= until
    assert found == naive(first, until, step, zone)


def naive(first: dt.datetime, until: dt.datetime, step: Step, zone: ZoneInfo) -> list[dt.datetime]:
    """The same by walking over all hours, or over all days of the calendar."""
    if step is Step.HOUR:
        hours = int((until - first).total_seconds() // 3600)
        return [first + dt.timedelta(hours=n) for n in range(hours + 1)]
    start = first.astimezone(zone)
    found = {first}
    for n in range(1, 90):
        day = start.date() + dt.timedelta(days=n)
        is_last_of_month = (day + dt.timedelta(days=1)).day == 1
        wanted = {
            Step.DAY: True,
            Step.WEEK: day.weekday() == start.weekday(),
            Step.MONTH: day.day == start.day or (is_last_of_month and day.day < start.day),
        }
        if wanted[step]:
            found.add(dt.datetime.combine(day, start.time(), zone).astimezone(UTC))
    return sorted(moment for moment in found if moment <= until)


def test_a_series_of_too_many_moments_is_refused() -> None:
    first = dt.datetime(2026, 1, 1, tzinfo=UTC)
    longest = first + dt.timedelta(hours=MAX_MOMENTS - 1)

    assert len(moments(first, longest, Step.HOUR, UTC)) == MAX_MOMENTS
    with pytest.raises(SeriesInvalid, match=str(MAX_MOMENTS)):
        moments(first, longest + dt.timedelta(hours=1), Step.HOUR, UTC)


@pytest.mark.parametrize(
    ("first", "until"),
    [
        ("2026-01-02", "2026-01-01"),
        ("0001-01-01", "2026-01-01"),
        ("2026-01-01", "9999-12-31"),
        ("1969-12-31", "1970-01-02"),
    ],
)
def test_a_series_that_ends_before_it_starts_or_is_endless_is_refused(first: str, until: str) -> None:
    with pytest.raises(SeriesInvalid, match="1970"):
        moments(local(first, "UTC"), local(until, "UTC"), Step.MONTH, ZoneInfo("Pacific/Kiritimati"))


def test_a_series_by_month_reaches_the_last_year() -> None:
    found = moments(local("2150-01-31", "UTC"), local("2199-12-31", "UTC"), Step.MONTH, ZoneInfo("Pacific/Apia"))

    assert len(found) == 600


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "/etc/passwd", "America", "x" * 5000, "UTC\0", "Ü"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SeriesInvalid, match="IANA"):
        time_zone(name)


def test_a_time_zone_is_found_by_its_name() -> None:
    assert time_zone("Europe/Vienna") == ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_stretch_at_the_beginning_of_the_calendar_stays_within_it(zone: str) -> None:
    now, beginning = dt.datetime(2026, 6, 1, tzinfo=UTC), dt.datetime.min.replace(tzinfo=UTC)

    first, last = time_range(None, dt.date.min, now, ZoneInfo(zone), dt.timedelta(days=7))

    assert (first, last.year) == (beginning, 1)
    assert time_range(dt.date.min, dt.date.max, now, ZoneInfo(zone), dt.timedelta()) == (beginning, now)
