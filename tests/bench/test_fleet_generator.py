"""The generated fleet: the same each time, and of the shape that it claims."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from bench.fleet_questions.fleet import DEAD, FLAPPING, MODELS, NEVER_HEARD, RETIRED, SILENT, Device, Fleet
from bench.fleet_questions.rollouts import ALL, CANARY, COMPONENTS, DAY, END, RINGS, received_by, version_name

FLEET = Fleet(400)
SAMPLE = Fleet(4000)


@pytest.fixture(scope="module")
def devices() -> list[Device]:
    return [*FLEET.devices_of(FLEET.big)]


@pytest.fixture(scope="module")
def lives() -> list[Device]:
    return [*SAMPLE.devices_of(SAMPLE.big)]


def test_a_seed_gives_the_same_fleet_each_time(devices: list[Device]) -> None:
    assert [*Fleet(400).devices_of(FLEET.big)] == devices
    assert [*Fleet(400, seed=14).devices_of(FLEET.big)] != devices


def test_a_device_does_not_depend_on_the_others(devices: list[Device]) -> None:
    assert FLEET.device(FLEET.big, 321) == devices[321]


def test_periods_of_a_component_follow_one_another(devices: list[Device]) -> None:
    for device in devices:
        for earlier, later in pairwise(device.periods):
            if earlier.component == later.component:
                assert earlier.first_reported_at < later.first_reported_at == earlier.superseded_at
                assert earlier.version != later.version
            else:
                assert earlier.superseded_at is None


def test_every_device_that_was_heard_runs_each_component(devices: list[Device]) -> None:
    for device in devices:
        running = [period.component for period in device.periods if period.superseded_at is None]
        assert running == ([] if device.life.heard_at is None else [component.name for component in COMPONENTS])


def test_no_period_begins_after_the_last_report(devices: list[Device]) -> None:
    assert all(
        period.first_reported_at <= (device.life.heard_at or 0) for device in devices for period in device.periods
    )


def test_the_shares_are_those_of_the_plan(lives: list[Device]) -> None:
    def share(of: Iterator[object]) -> float:
        return sum(1 for _ in of) / len(lives)

    gone = DEAD + RETIRED + SILENT
    assert share(d for d in lives if d.life.heard_at is None) == pytest.approx(NEVER_HEARD, abs=0.01)
    assert share(d for d in lives if d.life.retired_at) == pytest.approx(RETIRED, abs=0.01)
    assert share(d for d in lives if d.life.flaps) == pytest.approx(FLAPPING, abs=0.01)
    assert share(d for d in lives if d.life.heard_at and d.life.heard_at < END - 4 * DAY) == pytest.approx(
        gone, abs=0.02
    )
    for model, part in MODELS:
        assert share(d for d in lives if d.labels["model"] == model) == pytest.approx(part, abs=0.03)
    assert share(d for d in lives if d.labels["site"] == "site-07") == pytest.approx(0.01, abs=0.01)


def test_a_device_has_some_sixty_closed_periods_in_two_years(lives: list[Device]) -> None:
    closed = sum(period.superseded_at is not None for device in lives for period in device.periods)

    assert 50 < closed / len(lives) < 75


def test_versions_are_as_many_as_planned_and_have_names_of_their_own() -> None:
    for component in COMPONENTS:
        releases = FLEET.releases[component.name]
        assert len({version_name(release.number) for release in releases}) == component.versions
        assert [release.at for release in releases] == sorted(release.at for release in releases)


def test_a_rollout_reaches_canaries_before_all() -> None:
    releases = FLEET.releases["app"]

    assert [len(received_by(ring, releases)) for ring in RINGS] == sorted(
        (len(received_by(ring, releases)) for ring in RINGS), reverse=True
    )
    assert received_by(CANARY, releases) == releases
    assert all(release.reached is ALL for release in received_by(ALL, releases))


def test_a_rollback_takes_devices_back(lives: list[Device]) -> None:
    downgrades = sum(
        later.version < earlier.version
        for device in lives
        if not device.life.flaps
        for earlier, later in pairwise(device.periods)
        if earlier.component == later.component
    )

    assert downgrades > len(lives) / 10
