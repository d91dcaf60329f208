"""The model of a fleet's answers, on a history that a person can follow."""

from __future__ import annotations

import pytest

from tests.server.fleet_model import FleetModel, Observation, VersionChange


@pytest.fixture
def fleet() -> FleetModel:
    """Device a goes 1, 2, 1; b stays at 1; c has another component only."""
    reports = [("a", "main", "1", 10), ("a", "main", "1", 14), ("a", "main", "2", 20), ("a", "main", "1", 30)]
    reports += [("b", "main", "1", 12), ("b", "modem", "x", 12), ("c", "modem", "y", 5)]
    return FleetModel([Observation(*report) for report in reports], labels={"a": {"site": "x"}, "b": {"site": "y"}})


@pytest.mark.parametrize(
    ("at", "version"), [(9, None), (10, "1"), (19, "1"), (20, "2"), (29, "2"), (30, "1"), (99, "1")]
)
def test_a_period_is_in_force_until_the_next_one_starts(fleet: FleetModel, at: int, version: str | None) -> None:
    assert fleet.version_at("a", "main", at) == version


def test_a_late_report_changes_the_past_alone(fleet: FleetModel) -> None:
    fleet.observations.append(Observation("a", "main", "3", 12))

    assert [fleet.version_at("a", "main", at) for at in (11, 12, 14, 20, 30)] == ["1", "3", "1", "2", "1"]


def test_a_period_of_no_length_is_never_in_force() -> None:
    fleet = FleetModel([Observation("a", "main", version, 10) for version in "12"])

    assert [period.version for period in fleet.periods("a", "main")] == ["1", "2"]
    assert fleet.counts_at("main", 10) == {"2": 1}


def test_devices_are_counted_by_what_they_ran(fleet: FleetModel) -> None:
    assert fleet.adoption("main", [9, 11, 12, 20, 30]) == [{}, {"1": 1}, {"1": 2}, {"1": 1, "2": 1}, {"1": 2}]
    assert fleet.counts_at("main", 20, labels={"site": "x"}) == {"2": 1}
    assert fleet.who_ran("main", ["1", "3"], 20) == {"b": "1"}
    assert fleet.versions_at("b", 12) == {"main": "1", "modem": "x"}


def test_deleted_devices_never_count_and_retired_ones_until_then(fleet: FleetModel) -> None:
    fleet.deleted.add("b")
    fleet.retired_at["a"] = 25

    assert fleet.adoption("main", [15, 24, 25, 30]) == [{"1": 1}, {"2": 1}, {}, {}]
    assert fleet.counts_at("main", 30, state="any") == fleet.counts_at("main", 30, state="retired") == {"1": 1}


def test_spread_dwell_and_rollbacks_come_from_the_periods(fleet: FleetModel) -> None:
    assert fleet.first_starts("main", "1", 11) == [10]
    assert fleet.first_starts("main", "1", 99) == [10, 12]
    assert fleet.dwell("main", "1") == fleet.dwell("main", "1", 20) == [10]
    assert fleet.dwell("main", "1", 19) == []
    assert fleet.rollbacks("main", lambda version, other: version < other) == [VersionChange("a", "2", "1", 30)]
