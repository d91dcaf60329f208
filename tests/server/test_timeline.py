"""What a report means, without a database: the rules against a second telling of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise
from random import Random

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from firmtrail_contract import FirmwareReport, ObservedAtSource, ObservedMoment, ReportOutcome
from firmtrail_contract.version_periods import (
    EARLIEST_MOMENT,
    MAX_LATENESS,
    Period,
    Sighting,
    moment,
    place,
    place_all,
    place_together,
)
from firmtrail_server.history.timeline import Record, is_doubtful, judged
from tests.server.history_model import HistoryModel

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)

reports = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ABC")), max_size=20)


def seen(at: int, version: str) -> Sighting:
    return Sighting(version, START + dt.timedelta(hours=at), NOW)


def placed(history: Iterable[tuple[int, str]]) -> list[Period]:
    periods: list[Period] = []
    for at, version in history:
        periods, _ = place(periods, seen(at, version))
    return periods


def hours(moment: dt.datetime) -> int:
    return int((moment - START).total_seconds() // 3600)


def told(periods: list[Period]) -> list[tuple[str, int, int]]:
    return [(p.version, hours(p.first_reported_at), hours(p.last_reported_at)) for p in periods]


def told_by_the_model(history: Iterable[tuple[int, str]]) -> list[tuple[str, int, int]]:
    model = HistoryModel()
    for at, version in history:
        model.report(at, version)
    return model.history()


@given(reports)
def test_any_reports_in_any_order_give_the_history_that_the_model_gives(history: list[tuple[int, str]]) -> None:
    assert told(placed(history)) == told_by_the_model(history)


@given(reports)
def test_reports_placed_together_give_what_they_give_one_by_one(history: list[tuple[int, str]]) -> None:
    periods: list[Period] = []

    outcomes = place_all(periods, [seen(at, version) for at, version in history])

    assert told(periods) == told(placed(history))
    assert len(outcomes) == len(history)


@given(reports, reports)
def test_all_that_is_placed_together_is_known(history: list[tuple[int, str]], told: list[tuple[int, str]]) -> None:
    periods, sightings = placed(history), [seen(at, version) for at, version in told]

    place_together(periods, sightings)

    assert {*place_all(periods, sightings)} <= {ReportOutcome.KNOWN}


@given(reports, reports)
def test_what_is_placed_together_loses_no_first_or_last_moment(
    history: list[tuple[int, str]], told: list[tuple[int, str]]
) -> None:
    periods = placed(history)
    ends = [Sighting(p.version, at, NOW) for p in periods for at in (p.first_reported_at, p.last_reported_at)]

    place_together(periods, [seen(at, version) for at, version in told])

    assert {*place_all(periods, ends)} <= {ReportOutcome.KNOWN}


def test_what_a_sighting_did_when_placed_again_counts() -> None:
    periods = placed([(0, "A"), (10, "A")])

    outcomes = place_together(periods, [seen(5, "A"), seen(7, "B")])

    assert outcomes == [ReportOutcome.EXTENDED, ReportOutcome.OPENED]
    assert told(periods) == [("A", 0, 5), ("B", 7, 7), ("A", 10, 10)]


def test_a_retry_of_what_came_before_a_split_adds_a_moment_that_lay_within() -> None:
    periods = placed([(0, "A"), (5, "A"), (10, "A"), (7, "B")])
    assert told(periods) == [("A", 0, 0), ("B", 7, 7), ("A", 10, 10)]

    assert place_together(periods, [seen(5, "A")]) == [ReportOutcome.EXTENDED]

    assert told(periods) == [("A", 0, 5), ("B", 7, 7), ("A", 10, 10)]


def in_order(period: Period) -> tuple[dt.datetime, int]:
    return period.first_reported_at, period.tie_rank


def around(periods: Iterable[Period], at: dt.datetime) -> list[Period]:
    """What the database finds of a history kept as a heap of rows: the nearest before, those at, the nearest after."""
    stored = sorted(periods, key=in_order)
    before = [p for p in stored if p.first_reported_at < at]
    after = [p for p in stored if p.first_reported_at > at]
    return before[-1:] + [p for p in stored if p.first_reported_at == at] + after[:1]


@settings(max_examples=1_000)
@given(reports)
@example([(0, "A"), (2, "A"), (2, "C"), (1, "C"), (2, "B")])
@example([(1, "C"), (12, "C"), (1, "D"), (1, "B"), (4, "A"), (1, "A")])
def test_the_periods_around_a_moment_are_enough_to_know_and_their_ranks_keep_the_order(
    history: list[tuple[int, str]],
) -> None:
    stored: set[Period] = set()

    for at, version in history:
        observed = seen(at, version)
        before = around(stored, observed.at)
        after, _ = place(before, observed)
        stored = (stored - {*before}) | {*after}

    assert told(sorted(stored, key=in_order)) == told_by_the_model(history)


@given(reports)
def test_every_period_ends_where_the_next_one_begins_and_only_the_last_is_open(history: list[tuple[int, str]]) -> None:
    periods = placed(history)

    assert [p.superseded_at for p in periods[:-1]] == [p.first_reported_at for p in periods[1:]]
    assert all(p.superseded_at is None for p in periods[-1:])


@given(reports)
def test_neighbouring_periods_are_of_different_versions(history: list[tuple[int, str]]) -> None:
    assert all(earlier.version != later.version for earlier, later in pairwise(placed(history)))


@given(reports, st.randoms())
def test_order_and_repeats_make_no_difference_unless_a_period_is_split(
    history: list[tuple[int, str]], random: Random
) -> None:
    shuffled = history + history
    random.shuffle(shuffled)
    models = [HistoryModel(), HistoryModel()]
    for model, order in zip(models, (history, shuffled), strict=True):
        for at, version in order:
            model.report(at, version)
    assume(not any(model.has_split or model.has_tie for model in models))

    assert told(placed(history)) == told(placed(shuffled))


@given(reports)
def test_every_known_first_and_last_moment_was_reported(history: list[tuple[int, str]]) -> None:
    for version, first, last in told(placed(history)):
        assert (first, version) in history
        assert (last, version) in history


@given(reports)
def test_a_retry_of_any_earlier_report_that_is_still_known_changes_nothing(history: list[tuple[int, str]]) -> None:
    periods = placed(history)
    for version, first, last in told(periods):
        for at in (first, last):
            assert place(periods, seen(at, version)) == (periods, ReportOutcome.KNOWN)


@given(reports)
def test_a_late_report_never_makes_an_older_version_current(history: list[tuple[int, str]]) -> None:
    periods = placed([*history, (12, "A"), (13, "B")])

    later, _ = place(periods, seen(3, "C"))

    assert later[-1].version == "B"


@given(reports)
def test_no_report_is_counted_twice_and_none_is_lost_in_a_split(history: list[tuple[int, str]]) -> None:
    counted = 0
    periods: list[Period] = []
    for at, version in history:
        periods, outcome = place(periods, seen(at, version))
        counted += outcome is not ReportOutcome.KNOWN

    assert sum(p.report_count for p in periods) == counted


def test_a_split_leaves_what_is_known_of_the_period_and_invents_nothing() -> None:
    periods = placed([(1, "A"), (2, "A"), (9, "A"), (5, "B")])

    assert told(periods) == [("A", 1, 1), ("B", 5, 5), ("A", 9, 9)]
    assert [p.report_count for p in periods] == [2, 1, 1]


def test_two_versions_of_one_moment_stand_in_the_order_in_which_they_arrived() -> None:
    assert told(placed([(1, "A"), (5, "A"), (5, "B")])) == [("A", 1, 5), ("B", 5, 5)]


def test_a_report_in_a_gap_extends_the_neighbour_of_its_version() -> None:
    assert told(placed([(1, "A"), (9, "B"), (4, "A"), (7, "B")])) == [("A", 1, 4), ("B", 7, 9)]


def test_a_report_without_a_moment_counts_for_the_moment_of_its_arrival() -> None:
    found = moment(FirmwareReport(version="1"), NOW)

    assert (found.at, found.source) == (NOW, ObservedAtSource.SERVER)


def test_a_moment_up_to_five_minutes_ahead_is_believed() -> None:
    ahead = NOW + dt.timedelta(minutes=5)

    found = moment(FirmwareReport(version="1", observed_at=ahead), NOW)

    assert (found.at, found.source) == (ahead, ObservedAtSource.DEVICE)


def test_a_moment_further_ahead_or_before_2000_is_replaced_by_the_servers() -> None:
    for said in (NOW + dt.timedelta(minutes=5, microseconds=1), dt.datetime(1999, 12, 31, 23, 59, tzinfo=dt.UTC)):
        found = moment(FirmwareReport(version="1", observed_at=said), NOW)

        assert (found.at, found.source) == (NOW, ObservedAtSource.SERVER)


def claim(said: dt.datetime, *, live_since: dt.datetime) -> ObservedMoment:
    """The moment that a single report counts for, of a device that has been reporting since a moment."""
    at = moment(FirmwareReport(version="1", observed_at=said), NOW)
    return judged(Record(at, at, [("main", "1")], is_doubtful(at, NOW)), live_since, NOW).first


@given(st.timedeltas(MAX_LATENESS + dt.timedelta(seconds=1), NOW - EARLIEST_MOMENT))
def test_a_claim_years_older_than_its_device_counts_for_the_servers_moment(late: dt.timedelta) -> None:
    found = claim(NOW - late, live_since=NOW)

    assert found == ObservedMoment(at=NOW, source=ObservedAtSource.SERVER)


@given(st.timedeltas(dt.timedelta(), MAX_LATENESS), st.timedeltas(dt.timedelta(), dt.timedelta(days=3650)))
def test_a_claim_months_older_than_its_device_is_believed(late: dt.timedelta, age: dt.timedelta) -> None:
    said = NOW - age - late

    assert claim(said, live_since=NOW - age) == ObservedMoment(at=said, source=ObservedAtSource.DEVICE)
