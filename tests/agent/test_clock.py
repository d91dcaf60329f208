"""How far a wall clock is believed, and when it was set or the device was suspended."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

import attrs
import pytest

from firmtrail import ClockState
from firmtrail_agent.system.boot import Boot
from firmtrail_agent.system.clock import BUILT_AT, TOLERANCE, Clocks

TRUE = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)
YEARS = dt.timedelta(days=3650)


@attrs.define
class Device:
    """The three clocks of a device; `wall` is what the wall clock shows."""

    root: Path
    wall: dt.datetime = TRUE
    boot_time: float = 1000.0
    monotonic: float = 1000.0

    def clocks(self) -> Clocks:
        return Clocks(
            Boot(boot_id=uuid.UUID(int=1), sequence=7, is_new=True),
            boot_time=lambda: self.boot_time,
            wall_time=self.wall_seconds,
            monotonic=lambda: self.monotonic,
            root=self.root,
        )

    def wall_seconds(self) -> float:
        return self.wall.timestamp()

    def pass_time(self, seconds: float, *, suspended: bool = False) -> None:
        self.wall += dt.timedelta(seconds=seconds)
        self.boot_time += seconds
        self.monotonic += 0 if suspended else seconds

    def synchronize(self) -> None:
        """Do what systemd-timesyncd does when it has set the clock."""
        file = self.root / "run/systemd/timesync/synchronized"
        file.parent.mkdir(parents=True)
        file.touch()


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def state(clocks: Clocks) -> ClockState:
    return clocks.read().clock_state


def test_a_reading_holds_all_clocks(device: Device) -> None:
    reading = device.clocks().read()

    assert (reading.boot_id, reading.boot_sequence, reading.boot_time_ms) == (uuid.UUID(int=1), 7, 1_000_000)
    assert reading.wall_time == TRUE


def test_a_clock_that_nobody_has_set_is_not_synced(device: Device) -> None:
    assert state(device.clocks()) is ClockState.UNSYNCED


def test_a_clock_that_a_time_server_has_set_is_synced(device: Device) -> None:
    device.synchronize()

    assert state(device.clocks()) is ClockState.SYNCED


@pytest.mark.parametrize("moment", [dt.datetime(1970, 1, 1, tzinfo=dt.UTC), BUILT_AT - dt.timedelta(seconds=1)])
def test_a_clock_from_before_this_software_was_built_is_implausible_whoever_has_set_it(
    device: Device, moment: dt.datetime
) -> None:
    device.synchronize()
    device.wall = moment

    assert state(device.clocks()) is ClockState.IMPLAUSIBLE


def test_a_clock_that_no_calendar_reaches_is_implausible_and_no_wall_time(tmp_path: Path) -> None:
    clocks = Clocks(
        Boot(boot_id=uuid.UUID(int=1), sequence=1, is_new=True),
        boot_time=lambda: 1.0,
        wall_time=lambda: 1e15,
        monotonic=lambda: 1.0,
        root=tmp_path,
    )

    assert (clocks.read().wall_time, state(clocks)) == (None, ClockState.IMPLAUSIBLE)


@pytest.mark.parametrize("off", [-YEARS, YEARS, -TOLERANCE * 1.01, TOLERANCE * 1.01])
def test_a_clock_that_the_server_contradicts_is_not_synced_whoever_has_set_it(
    device: Device, off: dt.timedelta
) -> None:
    device.synchronize()
    device.wall = max(TRUE + off, BUILT_AT)
    clocks = device.clocks()

    clocks.compare(TRUE, clocks.read())

    assert state(clocks) is ClockState.UNSYNCED


def test_a_clock_that_the_server_confirms_is_synced_until_it_jumps(device: Device) -> None:
    clocks = device.clocks()
    clocks.compare(TRUE, clocks.read())
    states = [state(clocks)]

    device.pass_time(30 * 24 * 3600, suspended=True)
    states.append(state(clocks))
    device.wall += YEARS
    states.append(state(clocks))
    device.wall -= YEARS
    states.append(state(clocks))

    assert states == [ClockState.SYNCED, ClockState.SYNCED, ClockState.UNSYNCED, ClockState.SYNCED]


def test_a_server_at_the_end_of_the_calendar_is_no_more_than_one_that_contradicts(device: Device) -> None:
    clocks = device.clocks()
    clocks.compare(dt.datetime.max.replace(tzinfo=dt.UTC), clocks.read())
    device.pass_time(3600)

    assert state(clocks) is ClockState.UNSYNCED


@pytest.mark.parametrize("jump", [-YEARS, YEARS, dt.timedelta(seconds=6), dt.timedelta(seconds=-6)])
def test_a_wall_clock_that_is_set_is_noticed_once(device: Device, jump: dt.timedelta) -> None:
    clocks = device.clocks()
    device.pass_time(30)
    device.wall += jump

    assert [clocks.jumped(), clocks.jumped()] == [True, False]


def test_a_suspension_is_noticed_once(device: Device) -> None:
    clocks = device.clocks()
    device.pass_time(3600, suspended=True)

    assert [clocks.jumped(), clocks.jumped()] == [True, False]


def test_a_clock_that_is_corrected_a_little_at_a_time_does_not_jump(device: Device) -> None:
    clocks = device.clocks()

    for _ in range(1000):
        device.pass_time(30)
        device.wall += dt.timedelta(milliseconds=15)
        assert not clocks.jumped()
