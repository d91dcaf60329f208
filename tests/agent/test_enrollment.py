"""A device gets an API key of its own, from the real server, and replaces it."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import pytest

from firmtrail_agent.state import identity
from firmtrail_agent.system import hardware
from tests.agent.support.device import Device, ended
from tests.agent.support.enrollment import BREAKING_DISK, FULL_DISK, Project, cut, enroll, file_of


@pytest.fixture
def device(unenrolled: Device) -> Device:
    return unenrolled


async def test_an_enrolled_device_reports_without_another_setting(device: Device, project: Project) -> None:
    result = await enroll(device, await project.enrollment_key())

    mine = identity.read(file_of(device))
    assert mine is not None
    assert (result.code, result.stdout.splitlines()) == (
        0,
        [
            "name:        lobby",
            "fingerprint: 4c4c4544-0042-3010-8054-b4c04f4b4a31",
            f"enrolled as device {mine.device_id}; start or restart the agent now",
        ],
    )
    assert file_of(device).stat().st_mode & 0o777 == 0o600
    assert (await device.run("report", "--once")).code == 0
    (period,) = await project.get(f"/v1/devices/{mine.device_id}/firmware_version")
    assert period["version"] == "1.4.2"
    assert mine.api_key not in result.stdout


async def test_a_device_enrolls_through_the_configured_proxy(device: Device, project: Project) -> None:
    device.write("/etc/firmtrail-agent/config.toml", f'server.url = "http://h.invalid"\nserver.proxy = "{project.url}"')

    assert (await enroll(device, await project.enrollment_key())).code == 0


async def test_a_device_that_is_enrolled_stays_as_it_is(device: Device, project: Project) -> None:
    key = await project.enrollment_key()
    await enroll(device, key)
    before = file_of(device).read_bytes()

    again = await enroll(device, key)

    assert (again.code, "enrolled already as device" in again.stdout) == (0, True)
    assert file_of(device).read_bytes() == before


async def test_a_refused_device_hears_the_servers_reason_and_keeps_its_key(device: Device, project: Project) -> None:
    await enroll(device, await project.enrollment_key())
    before = file_of(device).read_bytes()

    refused = await enroll(device, await project.enrollment_key(), "--again")

    assert (refused.code, "this enrollment key replaces no keys" in refused.stderr) == (65, True)
    assert file_of(device).read_bytes() == before


async def test_a_known_hardware_with_a_new_name_is_sent_to_the_admin(device: Device, project: Project) -> None:
    key = await project.enrollment_key(on_known="replace_keys")
    await enroll(device, key, "--name", "first")

    refused = await enroll(device, key, "--again", "--name", "second")

    assert (refused.code, "admin" in refused.stderr, "first" in refused.stderr) == (65, True, False)


async def test_a_device_that_has_lost_its_disk_gets_another_key_when_the_enrollment_key_allows_it(
    device: Device, project: Project
) -> None:
    key = await project.enrollment_key(on_known="replace_keys")
    await enroll(device, key)
    file_of(device).write_text("garbage")

    again = await enroll(device, key, "--again")

    assert (again.code, (await device.run("report", "--once")).code) == (0, 0)


async def test_a_damaged_identity_names_the_command_that_helps(device: Device, project: Project) -> None:
    await enroll(device, await project.enrollment_key())
    file_of(device).write_text("garbage")

    result = await device.run("report", "--once")

    assert (result.code, "is damaged: run firmtrail-agent enroll --again" in result.stderr) == (78, True)


@pytest.mark.parametrize(
    ("key", "url", "code"),
    [
        ("7c9e6679-7425-40de-944b-e07fc1f90ae7:fte_wrong", None, 77),
        ("no-key-at-all", None, 77),
        ("7c9e6679-7425-40de-944b-e07fc1f90ae7:fte_wrong", "http://127.0.0.1:9", 69),
    ],
    ids=["refused", "malformed", "no server"],
)
async def test_a_device_that_was_not_enrolled_is_told_why_and_stores_nothing(
    device: Device, key: str, url: str | None, code: int
) -> None:
    given = ["--set", f"server.url={url}"] if url else []

    result = await enroll(device, key, *given)

    assert (result.code, file_of(device).exists()) == (code, False)


async def test_an_enrollment_key_that_others_may_read_is_not_used(device: Device, project: Project) -> None:
    file = device.write("/etc/key", await project.enrollment_key())
    file.chmod(0o644)

    result = await device.run("enroll", "--key-file", str(file))

    assert (result.code, f"Run: chmod 600 {file}" in result.stderr) == (77, True)


async def test_the_enrollment_key_may_be_a_credential_of_systemd(device: Device, project: Project) -> None:
    device.write("/credentials/firmtrail-agent.enrollment-key", await project.enrollment_key())

    result = await device.run("enroll", CREDENTIALS_DIRECTORY=str(device.root / "credentials"))

    assert result.code == 0


async def test_of_two_devices_that_enroll_at_once_on_one_disk_one_gives_way(device: Device, project: Project) -> None:
    key = await project.enrollment_key(on_known="replace_keys")

    codes = sorted([one.code for one in await asyncio.gather(*(enroll(device, key, "--again") for _ in range(2)))])

    assert codes in ([0, 0], [0, 75])
    assert (await device.run("report", "--once")).code == 0


async def test_on_a_full_disk_the_server_is_asked_for_nothing(device: Device, project: Project) -> None:
    refused = await enroll(device, await project.enrollment_key(), program=FULL_DISK)

    assert (refused.code, "cannot be written: File too large. The server was asked" in refused.stderr) == (73, True)
    devices = await project.get(f"/v1/projects/{project.demo.project_id}/devices")
    assert "lobby" not in [device["name"] for device in devices]
    assert [file.name for file in file_of(device).parent.iterdir()] == ["lock"]


@pytest.mark.parametrize("command", ["enroll", "rotate-key"])
async def test_a_device_whose_disk_is_full_keeps_its_key(device: Device, project: Project, command: str) -> None:
    key = await project.enrollment_key(on_known="replace_keys")
    await enroll(device, key)
    before = file_of(device).read_bytes()

    if command == "enroll":
        refused = await enroll(device, key, "--again", program=FULL_DISK)
    else:
        refused = await ended(await device.start("rotate-key", program=FULL_DISK))

    assert (refused.code, file_of(device).read_bytes()) == (73, before)
    assert (await device.run("report", "--once")).code == 0


async def test_a_key_that_is_lost_with_the_disk_is_told_with_what_gets_another(
    device: Device, project: Project
) -> None:
    key = await project.enrollment_key(on_known="replace_keys")

    lost = await enroll(device, key, program=BREAKING_DISK)

    assert (lost.code, 'enroll --again with an enrollment key made with on_known "replace_keys"' in lost.stderr) == (
        73,
        True,
    )
    assert (await enroll(device, key, "--again")).code == 0


async def test_a_disk_that_breaks_while_a_key_is_replaced_leaves_one_that_works(
    device: Device, project: Project
) -> None:
    await enroll(device, await project.enrollment_key())

    broken = await ended(await device.start("rotate-key", program=BREAKING_DISK))

    assert (broken.code, "It holds a key that works: see to the disk" in broken.stderr) == (73, True)
    assert (await device.run("report", "--once")).code == 0
    assert (await device.run("rotate-key")).code == 0


async def test_a_rotated_key_takes_the_place_of_the_old_one(device: Device, project: Project) -> None:
    await enroll(device, await project.enrollment_key())
    before = identity.read(file_of(device))

    result = await device.run("rotate-key")

    after = identity.read(file_of(device))
    assert before is not None
    assert after is not None
    assert (result.code, after.previous_api_key, after.device_id) == (0, None, before.device_id)
    (key,) = await project.get(f"/v1/devices/{after.device_id}/api_keys")
    assert after.api_key.startswith(key["id"])
    assert after.api_key != before.api_key


async def test_a_power_cut_at_no_moment_of_a_rotation_locks_the_device_out(device: Device, project: Project) -> None:
    await enroll(device, await project.enrollment_key())

    for left in (1, 2, 1, 2):  # while the new key is stored, and while the old one is given up
        assert (await ended(await device.start("rotate-key", program=cut(left)))).code == 9
        assert (await device.run("report", "--once")).code == 0

    assert (await device.run("rotate-key")).code == 0
    mine = identity.read(file_of(device))
    assert mine is not None
    assert len(await project.get(f"/v1/devices/{mine.device_id}/api_keys")) == 1


async def test_a_device_without_a_key_of_its_own_has_none_to_rotate(device: Device) -> None:
    result = await device.run("rotate-key")

    assert (result.code, "run firmtrail-agent enroll" in result.stderr) == (78, True)


@pytest.mark.parametrize("number", ["", "0" * 32, "ffffffff-ffff-ffff-ffff-ffffffffffff\n"])
def test_without_a_number_of_its_maker_the_installation_counts_and_is_not_told(tmp_path: Path, number: str) -> None:
    device = Device(tmp_path)
    device.write("/sys/class/dmi/id/product_uuid", number)
    device.write("/etc/machine-id", "6f1d1a9b0c4e4a2e8b5f3d7c9e1a2b4c\n")

    told = hardware.fingerprint(device.root)

    assert told is not None
    assert told.startswith("machine-")
    assert "6f1d1a9b0c4e4a2e" not in told


def test_a_board_is_recognised_by_its_device_tree(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.write("/proc/device-tree/serial-number", b"10000000abcdef42\0")

    assert hardware.fingerprint(device.root) == "10000000abcdef42"


def test_an_identity_shows_no_key(tmp_path: Path) -> None:
    file = tmp_path / "identity.json"
    identity.write(file, identity.Identity(device_id=uuid.uuid4(), api_key="id:ftd_secret"))

    assert "ftd_secret" not in repr(identity.read(file))
    assert "ftd_secret" in json.dumps(file.read_text())
