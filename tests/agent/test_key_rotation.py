"""The daemon replaces an old key of the device by itself, and nothing that happens meanwhile locks the device out."""

from __future__ import annotations

import datetime as dt
import os
import time as clock
import uuid
from pathlib import Path

import attrs
import pytest

from firmtrail_agent.daemon.key_rotation import is_due
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity
from tests.agent.support.device import API_KEY, DEVICE_ID, Device, ended
from tests.agent.support.enrollment import Project, cut, enroll, file_of, identity_of
from tests.agent.support.report_server import ReportServer
from tests.agent.support.virtual_time import START, VirtualTime, running

DAY = 24 * 3600
NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
ROTATING = "\n[device]\nrotate_key_after_days = 90\n[report]\nfirst_within_seconds = 0\n"


@pytest.fixture
async def enrolled(unenrolled: Device, project: Project) -> Device:
    """A device with an old key of its own."""
    await enroll(unenrolled, await project.enrollment_key())
    grow_old(unenrolled)
    with unenrolled.config.open("a") as config:
        config.write(ROTATING)
    return unenrolled


def grow_old(device: Device) -> None:
    issued_at = dt.datetime.now(dt.UTC) - dt.timedelta(days=91)
    identity.write(file_of(device), attrs.evolve(identity_of(device), issued_at=issued_at))


async def report_in_virtual_time(device: Device, *, wall_offset: float) -> None:
    """Let the daemon have its first round, and no second one."""
    time = VirtualTime()
    time.wall_offset = wall_offset
    async with running(device, time):
        await time.passes(60)


async def test_an_old_key_is_replaced_and_the_new_one_is_the_only_one(enrolled: Device, project: Project) -> None:
    before = identity_of(enrolled)

    await report_in_virtual_time(enrolled, wall_offset=clock.time())

    after = identity_of(enrolled)
    (key,) = await project.get(f"/v1/devices/{after.device_id}/api_keys")
    assert after.api_key.startswith(key["id"])
    assert after == Identity(
        device_id=before.device_id, api_key=after.api_key, issued_at=dt.datetime.fromisoformat(key["created_at"])
    )
    assert after.api_key != before.api_key


async def test_the_new_key_is_used_without_a_restart_and_not_replaced_again(enrolled: Device, project: Project) -> None:
    time = VirtualTime()
    time.wall_offset = clock.time()
    async with running(enrolled, time):
        await time.passes(60)
        first = identity_of(enrolled)
        enrolled.write("/etc/os-release", "ID=acme\nVERSION_ID=1.5.0\n")
        await time.passes(2 * 3600)

    periods = await project.get(f"/v1/devices/{first.device_id}/firmware_version")
    assert {"1.4.2", "1.5.0"} <= {period["version"] for period in periods}
    assert identity_of(enrolled) == first


async def test_an_unsynced_clock_rotates_no_key(enrolled: Device) -> None:
    before = identity_of(enrolled)

    await report_in_virtual_time(enrolled, wall_offset=START)

    assert identity_of(enrolled) == before


async def test_without_rotate_key_after_days_the_key_stays(enrolled: Device) -> None:
    enrolled.config.write_text(enrolled.config.read_text().replace("= 90", "= 0"))
    before = identity_of(enrolled)

    await report_in_virtual_time(enrolled, wall_offset=clock.time())

    assert identity_of(enrolled) == before


async def test_a_power_cut_during_rotation_locks_nobody_out(enrolled: Device, project: Project) -> None:
    for left in (1, 2, 1, 2):  # while the new key is stored, and while the old one is given up
        agent = await enrolled.start("run", program=cut(left), FIRMTRAIL_AGENT_BOOT_ID=str(uuid.uuid4()))
        assert (await ended(agent)).code == 9
        mine = identity_of(enrolled)
        key_id, _, secret = mine.api_key.partition(":")
        place = f"/v1/devices/{mine.device_id}/firmware_version"
        (await project.http.post(place, json={"version": "1"}, auth=(key_id, secret))).raise_for_status()
    assert mine.previous_api_key is None

    grow_old(enrolled)
    await report_in_virtual_time(enrolled, wall_offset=clock.time())

    mine = identity_of(enrolled)
    assert mine.previous_api_key is None
    assert len(await project.get(f"/v1/devices/{mine.device_id}/api_keys")) == 1


async def test_a_failed_rotation_stops_no_report_and_is_logged_once(
    device: Device, server: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    device.write(
        "/etc/firmtrail-agent/config.toml",
        f'sources = [{{ type = "file", component = "main", path = "/etc/version" }}]\nserver.url = "{server.url}"\n'
        "device.rotate_key_after_days = 1\nreport = { first_within_seconds = 0, interval_seconds = 60 }\n",
    )
    mine = Identity(device_id=uuid.UUID(DEVICE_ID), api_key=API_KEY, issued_at=NOW - dt.timedelta(days=400))
    identity.write(file_of(device), mine)
    time = VirtualTime()
    time.wall_offset = clock.time()

    async with running(device, time):
        for _ in range(4):
            await server.arrival()

    assert capfd.readouterr().err.count("the API key was not replaced: ") == 1
    assert identity_of(device) == mine


def write(file: Path, *, issued_at: dt.datetime | None = NOW, key_id: object = uuid.UUID(int=1)) -> Path:
    identity.write(file, Identity(device_id=uuid.UUID(DEVICE_ID), api_key=f"{key_id}:x", issued_at=issued_at))
    return file


@pytest.mark.parametrize(("age", "due"), [(-1000, False), (0, False), (80.9, False), (90, True), (5000, True)])
def test_a_key_is_due_by_its_age(tmp_path: Path, age: float, *, due: bool) -> None:
    file = write(tmp_path / "identity/identity.json")

    assert is_due(file, NOW.timestamp() + age * DAY, 90) is due


def test_a_key_without_a_date_is_as_old_as_its_file(tmp_path: Path) -> None:
    file = write(tmp_path / "identity/identity.json", issued_at=None)
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))

    assert [is_due(file, NOW.timestamp() + age * DAY, 90) for age in (80, 90)] == [False, True]


def test_rotations_of_a_fleet_are_spread(tmp_path: Path) -> None:
    def replaced_on(number: int) -> int:
        file = write(tmp_path / f"{number}/identity/identity.json", key_id=uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        return next(day for day in range(81, 91) if is_due(file, NOW.timestamp() + day * DAY, 90))

    days = [replaced_on(number) for number in range(60)]

    assert max(days.count(day) for day in {*days}) <= 15
    assert min(days) >= 81
