"""./dev bench herd with a small fleet, and whether it would notice a version that is lost or told twice."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import attrs
import pytest

from bench.herd.__main__ import capacity
from bench.herd.device import SimulatedDevice
from bench.herd.outcome import Outcome, compare, live
from bench.herd.picture import draw
from bench.herd.script import FAIR, Contact, Story, Weather
from bench.herd.server import Server
from bench.herd.situations import HOUR, situations
from bench.herd.timeline import Timeline, Until
from bench.rows import Row

DEVICES = 100


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [live(situation, DEVICES) for situation in situations()]


def test_no_version_is_lost_or_told_twice_in_any_situation(outcomes: list[Outcome]) -> None:
    assert [(one.name, one.lost, one.twice) for one in outcomes if one.lost or one.twice] == []
    assert all(one.transitions > DEVICES for one in outcomes)


def test_where_there_is_a_budget_the_fleet_never_comes_within_ten_seconds(outcomes: list[Outcome]) -> None:
    assert all(one.peak <= 0.2 * DEVICES / 10 for one in outcomes if one.budget)


def test_the_capacity_is_that_of_batches_of_unremembered_devices(tmp_path: Path) -> None:
    rounds = [{Row.COLD_BATCH: {"rate": rate}, Row.BASIC: {"rate": 9e9}} for rate in (1_000.0, 3_000.0, 2_000.0)]
    (tmp_path / "reports.json").write_text(json.dumps({"facts": {"measured": "today"}, "rounds": rounds}))

    assert "2,000 of them a second" in capacity(tmp_path)
    assert "has not been run" in capacity(tmp_path / "nowhere")


def test_it_is_drawn_as_a_panel_for_each_situation(outcomes: list[Outcome]) -> None:
    picture = ET.fromstring(draw(outcomes))

    assert len(picture.findall("{*}g")) == len(outcomes)


def test_a_version_that_never_arrives_is_lost() -> None:
    ordinary = situations()[0]

    def cut_off(number: int, now: float) -> Weather:
        return Weather(Contact.SILENT) if now > HOUR * 1.4 else FAIR

    assert live(replace(ordinary, forecast=cut_off), 20).lost == 20


@pytest.fixture
def reported() -> tuple[SimulatedDevice, Server]:
    """A device that has reported for some hours."""
    timeline, server = Timeline(), Server()
    story = Story([(0.0, "1.4.2")], [(0.0, 10 * HOUR)])
    device = SimulatedDevice(1, story, timeline, server, situations()[0].forecast)
    timeline.run([device.live()], until=10 * HOUR)
    return device, server


def test_a_version_that_did_not_run_is_noticed(reported: tuple[SimulatedDevice, Server]) -> None:
    device, server = reported
    assert compare(device, server) == (0, 0)

    periods = server.known[device.device_id].periods
    periods.append(attrs.evolve(periods[0], report_count=0))

    assert compare(device, server) == (0, 1)


def test_a_report_that_is_counted_twice_is_noticed(reported: tuple[SimulatedDevice, Server]) -> None:
    device, server = reported
    known = server.known[device.device_id]

    known.periods = [attrs.evolve(known.periods[0], report_count=device.observations + 1)]

    assert compare(device, server) == (0, 1)


def test_virtual_time_wakes_in_the_order_of_moments() -> None:
    timeline, woken = Timeline(), list[tuple[str, float]]()

    async def life(name: str, *moments: float) -> None:
        for moment in moments:
            await Until(moment)
            woken.append((name, timeline.now))

    timeline.run([life("a", 1, 5), life("b", 3, 3, 2), life("c", 9)], until=8)

    assert woken == [("a", 1), ("b", 3), ("b", 3), ("b", 3), ("a", 5)]
