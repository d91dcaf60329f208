"""An interrupted rotation leaves a device with two keys: it finds out which one works, and loses none that does."""

from __future__ import annotations

import attrs
import pytest

from tests.agent.support.device import Device, ended
from tests.agent.support.enrollment import BREAKING_DISK, Project, cut, enroll, identity_of, portal
from tests.agent.support.virtual_time import VirtualTime, running

JUST_STORED = 2


@pytest.fixture
async def device(unenrolled: Device, project: Project) -> Device:
    """A device whose power was cut when the new key was on its disk, beside the old one."""
    await enroll(unenrolled, await project.enrollment_key())
    await ended(await unenrolled.start("rotate-key", program=cut(JUST_STORED)))
    assert identity_of(unenrolled).previous_api_key is not None
    return unenrolled


async def keys_of(device: Device, project: Project) -> list[str]:
    """The ids of the keys that the server knows."""
    return [key["id"] for key in await project.get(f"/v1/devices/{identity_of(device).device_id}/api_keys")]


def key_id(api_key: str | None) -> str:
    assert api_key is not None
    return api_key.partition(":")[0]


async def delete(device: Device, project: Project, api_key: str | None) -> None:
    path = f"/v1/devices/{identity_of(device).device_id}/api_keys/{key_id(api_key)}"
    (await project.http.delete(path, auth=project.demo.project_key)).raise_for_status()


async def test_the_newer_of_two_valid_keys_is_kept(device: Device, project: Project) -> None:
    newer = identity_of(device).api_key

    assert (await device.run("rotate-key")).code == 0

    mine = identity_of(device)
    assert (mine.api_key, mine.previous_api_key, await keys_of(device, project)) == (newer, None, [key_id(newer)])


async def test_the_older_key_is_rotated_again_if_the_newer_is_unknown(device: Device, project: Project) -> None:
    before = identity_of(device)
    await delete(device, project, before.api_key)

    result = await device.run("rotate-key")

    mine = identity_of(device)
    assert (result.code, mine.previous_api_key, await keys_of(device, project)) == (0, None, [key_id(mine.api_key)])
    assert mine.api_key not in {before.api_key, before.previous_api_key}
    assert (await device.run("report")).code == 0


async def test_a_portal_that_answers_401_costs_no_key(device: Device, project: Project) -> None:
    before = identity_of(device)
    confirm = f"/v1/devices/{before.device_id}/api_keys/{key_id(before.api_key)}/confirm"
    newer = key_id(before.api_key), before.api_key.partition(":")[2]
    (await project.http.post(confirm, auth=newer)).raise_for_status()  # and the answer got lost

    async with portal() as url:
        assert (await device.run("rotate-key", "--set", f"server.url={url}")).code != 0

    assert identity_of(device) == before
    assert (await device.run("rotate-key")).code == 0
    assert (await device.run("report")).code == 0


async def test_both_keys_are_kept_until_one_works(device: Device, project: Project) -> None:
    before = identity_of(device)
    for api_key in (before.api_key, before.previous_api_key):
        await delete(device, project, api_key)

    result = await device.run("rotate-key")

    assert (result.code, identity_of(device)) == (77, before)


@pytest.mark.parametrize("command", ["report", "spool flush"])
async def test_report_falls_back_to_the_older_key(device: Device, project: Project, command: str) -> None:
    before = identity_of(device)
    await delete(device, project, before.api_key)
    await device.run("report", "--set", "server.url=http://127.0.0.1:9")

    first, second = await device.run(*command.split()), await device.run("report")

    assert (first.code, "; the older one is used from now on" in first.stderr) == (0, True)
    assert (second.code, second.stderr) == (0, "")
    mine = identity_of(device)
    assert (mine.api_key, mine.previous_api_key) == (before.previous_api_key, None)


async def test_the_service_falls_back_to_the_older_key(device: Device, project: Project, time: VirtualTime) -> None:
    before = identity_of(device)
    await delete(device, project, before.api_key)

    async with running(device, time):
        await time.passes(600)

    periods = await project.get(f"/v1/devices/{before.device_id}/firmware_version")
    assert [period["version"] for period in periods] == ["1.4.2"]
    assert identity_of(device) == attrs.evolve(
        before, api_key=before.previous_api_key, previous_api_key=None, issued_at=None
    )


async def test_the_fallback_works_on_a_broken_disk(device: Device, project: Project) -> None:
    await delete(device, project, identity_of(device).api_key)

    assert (await ended(await device.start("report", program=BREAKING_DISK))).code == 0


async def test_a_foreign_401_gives_up_no_key(device: Device) -> None:
    before = identity_of(device)

    async with portal() as url:
        assert (await device.run("report", "--set", f"server.url={url}")).code != 0

    assert identity_of(device) == before
