"""The table of silences compared with what it is derived from, and repaired after hands broke it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import attrs
import pytest

from firmtrail_server.queries.device_versions import Difference
from firmtrail_server.services import derived_silences
from firmtrail_server.services.derived_silences import compare
from firmtrail_server.services.silence import SilenceSweeper
from firmtrail_server.telemetry.metrics import Metrics
from tests.server.heard_devices import Reporter, Site, at, open_site
from tests.server.server_process import run

HOUR = 3600
NOW = 10 * HOUR
SILENT = "select device_id, silent_since, ended_at from device_silences order by device_id, silent_since"
CHANGES = "select kind from firmware_changes_new where device_id = %s and component = '' order by change_number"
#: what hands do to the silence of a device, what that is, and whether its device was silent
FAULTS = [
    ("delete from device_silences where device_id = %s", Difference.MISSING, True),
    ("update device_silences set silent_since = silent_since + interval '1 second' where device_id = %s",
     Difference.OUTDATED, True),
    ("update device_silences set silent_since = silent_since - interval '1 second' where device_id = %s",
     Difference.OUTDATED, True),
    ("update devices set retired_at = '2026-06-01' where id = %s", Difference.ORPHANED, True),
    ("insert into device_silences select id, '2026-06-01T09:50:00Z', project_id, now() from devices where id = %s",
     Difference.OUTDATED, False),
    ("insert into device_silences select id, '2026-06-01T09:55:00Z', project_id, now() from devices where id = %s",
     Difference.OUTDATED, False),
    ("insert into device_silences select id, '2026-06-01T09:00:00Z', project_id, now() from devices where id = %s",
     Difference.OUTDATED, False),
]  # fmt: skip
STRAYS = [
    "insert into device_silences values ('00000000-0000-0000-0000-000000000001', now(), %s, now())",
    "insert into device_silences values ('ffffffff-ffff-ffff-ffff-ffffffffffff', now(), %s, now())",
    "insert into device_silences values ('ffffffff-ffff-ffff-ffff-ffffffffffff', now(), %s, now(), now())",
]


@attrs.frozen
class Fleet:
    """Five silent devices, and five that reported ten minutes ago, of one project."""

    site: Site
    silent: list[Reporter]
    heard: list[Reporter]

    async def differences(self, now: float = NOW, *, repair: bool = False) -> dict[Difference, int]:
        return dict((await compare(self.site.database, at(now), repair=repair)).differences)

    async def sweep(self, now: float) -> None:
        await SilenceSweeper(self.site.database, Metrics()).sweep(at(now))


@pytest.fixture(autouse=True)
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_silences, "_DEVICES_AT_ONCE", 3)


@pytest.fixture
async def fleet(database_url: str) -> AsyncGenerator[Fleet]:
    async with open_site(database_url) as site:
        project_id = await site.project()
        devices = [await site.device(project_id, str(number)) for number in range(10)]
        fleet = Fleet(site, devices[:5], devices[5:])
        for device in devices:
            await site.report(device, 0)
        for device in fleet.heard:
            await site.report(device, NOW - 600)
        await fleet.sweep(NOW)
        yield fleet


async def test_what_a_sweep_leaves_has_no_difference(fleet: Fleet) -> None:
    found = await compare(fleet.site.database, at(NOW), repair=True)

    assert (found.compared, dict(found.differences), found.repaired) == (5, {}, 0)


@pytest.mark.parametrize(("fault", "difference", "was_silent"), FAULTS)
@pytest.mark.parametrize("number", [0, 2, 4])
async def test_a_broken_silence_is_found_and_repaired_wherever_it_is(
    fleet: Fleet,
    fault: str,
    difference: Difference,
    was_silent: bool,  # noqa: FBT001
    number: int,
) -> None:
    some = sorted(fleet.silent if was_silent else fleet.heard, key=lambda device: device.id)
    before = await fleet.site.rows(SILENT)
    await fleet.site.rows(fault, some[number].id)

    assert await fleet.differences() == {difference: 1}
    assert await fleet.differences() == {difference: 1}, "to compare changes nothing"
    assert (await compare(fleet.site.database, at(NOW), repair=True)).repaired >= 1
    assert await fleet.differences() == {}
    lasting = [row for row in await fleet.site.rows(SILENT) if row[2] is None]
    assert lasting == [row for row in before if difference is not Difference.ORPHANED or row[0] != some[number].id]


@pytest.mark.parametrize("stray", STRAYS)
async def test_a_silence_of_no_device_is_deleted(fleet: Fleet, stray: str) -> None:
    before = await fleet.site.rows(SILENT)
    await fleet.site.rows(stray, fleet.silent[0].project_id)

    assert await fleet.differences(repair=True) == {Difference.ORPHANED: 1}
    assert await fleet.site.rows(SILENT) == before


async def test_the_feed_hears_of_a_silence_that_is_withdrawn_for_another(fleet: Fleet) -> None:
    device = fleet.silent[0]
    await fleet.site.rows(FAULTS[1][0], device.id)

    await fleet.differences(repair=True)

    kinds = [kind for (kind,) in await fleet.site.rows(CHANGES, device.id)]
    assert kinds == ["fell_silent", "silence_withdrawn", "fell_silent"]


async def test_what_the_next_sweep_finds_is_no_difference_yet(fleet: Fleet) -> None:
    await fleet.site.report(fleet.silent[0], NOW + 30)

    assert await fleet.differences(NOW + 60) == {}
    assert await fleet.differences(NOW + 300) == {Difference.OUTDATED: 1}
    await fleet.sweep(NOW + 300)
    assert await fleet.differences(NOW + 300) == {}


async def test_a_silence_found_by_a_clock_that_is_ahead_is_no_difference(fleet: Fleet) -> None:
    pace = await fleet.site.pace(fleet.heard[0])
    falls = NOW - 600 + 3 * (pace.cadence or 0)

    await fleet.sweep(falls + 1)

    assert await fleet.differences(falls - 59) == {}
    assert await fleet.differences(falls - 300) == {Difference.OUTDATED: 5}


async def test_the_command_finds_and_repairs_silences(fleet: Fleet, database_url: str) -> None:
    await fleet.site.rows(STRAYS[1], fleet.silent[0].project_id)
    environment = {"FIRMTRAIL_DATABASE_URL": database_url}

    ended = [run("check-derived", *options, **environment) for options in ([], ["--repair"], [])]

    assert [one.returncode for one in ended] == [1, 0, 0], [one.stdout for one in ended]
    assert "1 orphaned" in ended[0].stdout.partition("device_silences")[2]
