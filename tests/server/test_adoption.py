"""How versions spread, from the rows of queries: examples, and the same counted naively."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import Counter
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_contract import VersionScheme
from firmtrail_server.history.adoption import (
    FLAPPING_CHANGES,
    FLAPPING_WINDOW,
    Change,
    Flapping,
    curves,
    downgrades,
    dwell,
    flapping,
    milestones,
    rollbacks,
)
from tests.server.fleet_model import FleetModel, Observation

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def hour(n: float) -> dt.datetime:
    return START + dt.timedelta(hours=n)


def rows(model: FleetModel, component: str, moments: list[int]) -> list[tuple[str, int, int]]:
    """What the query of a series returns: the edges of all periods, each by the number of moments before it."""
    changes: Counter[tuple[str, int]] = Counter()
    for device_id in model.kept_devices():
        for period in model.periods(device_id, component):
            changes[period.version, bisect_left(moments, period.first_reported_at)] += 1
            if period.superseded_at is not None:
                changes[period.version, bisect_left(moments, period.superseded_at)] -= 1
    return [(version, bucket, change) for (version, bucket), change in changes.items()]


observations = st.lists(
    st.builds(Observation, st.sampled_from("abc"), st.just("main"), st.sampled_from("123"), st.integers(0, 10)),
    max_size=20,
)


@given(observations, st.lists(st.integers(-1, 11), min_size=1, unique=True).map(sorted))
def test_curves_equal_a_naive_count_at_each_moment(reports: list[Observation], moments: list[int]) -> None:
    model = FleetModel(reports)

    found = curves(rows(model, "main", moments), len(moments))

    for place, counts in enumerate(model.adoption("main", moments)):
        assert {curve.version: curve.devices[place] for curve in found if curve.devices[place]} == counts
        assert sum(curve.shares[place] for curve in found) == pytest.approx(1 if counts else 0)


def test_curves_hold_counts_and_shares_by_version() -> None:
    new, old = curves([("old", 0, 3), ("new", 1, 1), ("old", 1, -1), ("new", 2, 2), ("old", 2, -2), ("x", 3, 1)], 3)

    assert (old.version, old.devices, old.shares) == ("old", (3, 2, 0), (1, 2 / 3, 0))
    assert (new.version, new.devices, new.shares) == ("new", (0, 1, 3), (0, 1 / 3, 1))


def test_curves_of_no_rows_are_none() -> None:
    assert curves([], 3) == []
    assert curves([("old", 0, 1), ("old", 0, -1)], 1)[0].shares == (0.0,)


def test_milestones_are_reached_by_whole_devices() -> None:
    found = milestones([hour(n) for n in range(1, 100)], 100)

    assert (found.first, found.half, found.ninety_percent) == (hour(1), hour(50), hour(90))
    assert found.ninety_nine_percent == hour(99)
    assert milestones([hour(1), hour(2)], 3).half == hour(2)


def test_milestones_that_are_not_reached_are_none() -> None:
    found = milestones([hour(1)], 2)

    assert (found.half, found.ninety_percent, found.ninety_nine_percent) == (hour(1), None, None)
    assert milestones([], 10).first is None
    assert milestones([], 0).half is None


@given(st.lists(st.integers(0, 100), max_size=30).map(sorted), st.integers(0, 30))
def test_a_milestone_is_the_first_moment_with_that_share(starts: list[int], others: int) -> None:
    devices = len(starts) + others
    found = milestones([hour(n) for n in starts], devices)

    for percent, at in ((50, found.half), (90, found.ninety_percent), (99, found.ninety_nine_percent)):
        reached = [n for n in starts if sum(start <= n for start in starts) * 100 >= percent * devices]
        assert at == (hour(reached[0]) if reached else None)


def test_dwell_leaves_periods_in_force_out_of_the_median() -> None:
    found = dwell([dt.timedelta(hours=1), dt.timedelta(hours=10), dt.timedelta(hours=2)], 5)

    assert (found.median, found.ended, found.in_force) == (dt.timedelta(hours=2), 3, 5)
    assert dwell([dt.timedelta(hours=1), dt.timedelta(hours=2)], 0).median == dt.timedelta(minutes=90)
    assert dwell([], 5).median is None


def changed(previous: str, version: str) -> Change:
    return Change(device_id=UUID(int=1), previous_version=previous, version=version, at=START)


def test_rollbacks_are_changes_to_a_lower_version() -> None:
    back = changed("1.10.0", "1.9.0")
    changes = [back, changed("1.9.0", "1.10.0"), changed("1.0.0+a", "1.0.0+b"), changed("1.0.0", "test")]

    assert rollbacks(changes, VersionScheme.SEMVER) == [back]


def test_downgrades_of_pairs_are_those_of_their_changes() -> None:
    pairs = [("1.10", "1.9"), ("1.9", "1.10"), ("1.4", "1.4.0"), ("test", "1.0"), ("1.0", "1.0")]

    assert downgrades(pairs, VersionScheme.DOTTED) == {("1.10", "1.9")}


def flapped(first: float, last: float, changes: int) -> Flapping:
    return Flapping(first_at=hour(first), last_at=hour(last), changes=changes)


def test_four_returns_within_a_day_are_flapping() -> None:
    changes = [(hour(6 * n), "AB"[n % 2]) for n in range(2, 7)]

    assert flapping(changes, "AB") == [flapped(12, 36, 5)]
    assert flapping(changes) == []
    assert flapping(changes[:4], "AB") == [flapped(12, 30, 4)]


def test_changes_to_new_versions_are_no_flapping() -> None:
    assert flapping([(hour(n), f"1.{n}") for n in range(20)], ["1.0"]) == []


def test_stretches_of_flapping_join_where_they_share_a_return() -> None:
    def of(*hours: float) -> list[Flapping]:
        return flapping([(hour(n), "A") for n in hours], "A")

    assert of(0, 1, 2, 3, 26, 26.5, 27) == [flapped(0, 27, 7)]
    assert of(0, 1, 2, 3, 40, 41, 42, 43) == [flapped(0, 3, 4), flapped(40, 43, 4)]
    assert of(0, 8, 16, 24) == [flapped(0, 24, 4)]
    assert of(0, 8, 16, 24.1) == []


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from("ABCDEF")), max_size=20))
def test_flapping_is_every_four_returns_within_a_day(history: list[tuple[int, str]]) -> None:
    changes = [(hour(at), version) for at, version in sorted(history)]
    returns = [
        at for place, (at, version) in enumerate(changes) if version in [before for _, before in changes[:place]]
    ]

    found = flapping(changes)

    close = [four for four in combinations(returns, FLAPPING_CHANGES) if four[-1] - four[0] <= FLAPPING_WINDOW]
    inside = [any(one.first_at <= four[0] and four[-1] <= one.last_at for one in found) for four in close]
    assert all(inside)
    assert bool(found) == bool(close)
    assert all(one.changes == sum(one.first_at <= at <= one.last_at for at in returns) for one in found)
