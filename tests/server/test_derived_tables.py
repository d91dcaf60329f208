"""device_versions compared with what it is derived from, and repaired, while devices report."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncGenerator

import pytest

from firmtrail_server.db import Connection, Transaction
from firmtrail_server.queries.device_versions import Difference
from firmtrail_server.services import derived_tables
from firmtrail_server.services.deletion import remove_devices
from firmtrail_server.services.derived_tables import compare
from tests.server.heard_devices import START, Reporter, Site, open_site
from tests.server.server_process import run

#: faults by what they are called
FAULTS = {
    Difference.MISSING: "delete from device_versions where device_id = %s",
    Difference.OUTDATED: "update device_versions set version = 'none' where device_id = %s",
    Difference.ORPHANED: "insert into device_versions values (gen_random_uuid(), 'main', %s, '1', now())",
}
LATER = "update device_versions set since = since + interval '1 microsecond' where device_id = %s"
#: an open period of one device, with all that it needs
OPENED = (
    "insert into device_firmware (device_id, component, project_id, period_id, version, first_reported_at,"
    " last_reported_at, report_count, recorded_at, tie_rank)"
    " select %s, 'main', %s, gen_random_uuid(), '2', now(), now(), 1, now(), 0"
)


@pytest.fixture(autouse=True)
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_tables, "_ROWS_AT_ONCE", 3)


@pytest.fixture
async def site(database_url: str) -> AsyncGenerator[Site]:
    async with open_site(database_url) as site:
        yield site


async def reporting(site: Site, count: int) -> list[Reporter]:
    """Devices of one project that have reported."""
    project_id = await site.project()
    devices = [await site.device(project_id, str(number)) for number in range(count)]
    await asyncio.gather(*(site.report(device, 0) for device in devices))
    return devices


async def differences(site: Site, *, repair: bool = False) -> dict[Difference, int]:
    return dict((await compare(site.database, repair=repair)).differences)


async def plant(conn: Connection, fault: str, device_id: uuid.UUID) -> None:
    await conn.execute(fault.encode(), [device_id])


def repairing(url: str) -> subprocess.Popen[bytes]:
    """The command as a process that can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "firmtrail_server", "check-derived", "--repair"],
        env={"FIRMTRAIL_DATABASE_URL": url},
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 7])
async def test_tables_that_are_equal_have_no_difference(site: Site, size: int) -> None:
    await reporting(site, size)

    found = await compare(site.database, repair=True)

    assert (found.compared, dict(found.differences), found.repaired) == (2 * size, {}, 0)


@pytest.mark.parametrize(
    ("fault", "difference"), [*((fault, name) for name, fault in FAULTS.items()), (LATER, Difference.OUTDATED)]
)
@pytest.mark.parametrize("number", range(5))
async def test_a_difference_is_found_and_repaired_wherever_it_is(
    site: Site, fault: str, difference: Difference, number: int
) -> None:
    devices = await reporting(site, 5)
    await site.rows(fault, sorted(device.id for device in devices)[number])

    assert await differences(site) == {difference: 1}
    assert await differences(site) == {difference: 1}, "to compare changes nothing"
    assert (await compare(site.database, repair=True)).repaired == 1
    assert await differences(site) == {}


async def test_a_row_that_a_deleted_device_left_is_removed(site: Site) -> None:
    kept, deleted = await reporting(site, 2)
    row = f"('{deleted.project_id}', 'main', '{deleted.id}', '1', now())"
    await site.database.run(Transaction.WRITE, remove_devices, deleted.project_id, [deleted.id], START)
    await site.rows("insert into device_versions values " + row)

    assert await differences(site, repair=True) == {Difference.ORPHANED: 1}
    assert await site.rows("select device_id from device_versions") == [(kept.id,)]


async def test_faults_are_repaired_while_reports_are_stored(site: Site) -> None:
    devices = await reporting(site, 12)
    ends = asyncio.Event()

    async def report() -> None:
        now = 0
        while not ends.is_set():
            now += 60
            late = now - 3 * 3600 if now % 180 == 0 else None
            await asyncio.gather(*(site.report(one, now, version=str(now), observed=late) for one in devices[:8]))

    async def damage() -> None:
        for number in range(60):
            fault = [*FAULTS.values(), LATER][number % 4]
            await site.database.run(Transaction.INGEST, plant, fault, devices[number % 12].id)
            await differences(site, repair=True)
        ends.set()

    await asyncio.gather(report(), damage())

    assert await differences(site) == {}


async def test_no_report_is_taken_for_a_difference(site: Site) -> None:
    devices = await reporting(site, 6)
    work = asyncio.gather(
        *(site.report(device, minute * 60, version=str(minute)) for minute in range(1, 30) for device in devices)
    )

    while not work.done():
        assert await differences(site) == {}
        await asyncio.sleep(0)
    await work


async def test_a_device_that_is_heard_for_the_first_time_keeps_its_row(site: Site) -> None:
    (device,) = await reporting(site, 1)
    await site.rows("delete from device_firmware")
    async with site.database.transaction() as first_report:
        await first_report.execute("update device_versions set version = '2', since = now()")
        repairing = asyncio.create_task(differences(site, repair=True))
        while not await site.rows("select 1 from pg_stat_activity where wait_event_type = 'Lock'"):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await first_report.execute(OPENED.encode(), [device.id, device.project_id])

    assert await repairing == {Difference.ORPHANED: 1}
    assert await differences(site) == {}


async def test_the_command_finds_and_repairs_with_its_exit_code(site: Site, database_url: str) -> None:
    devices = await reporting(site, 3)
    for fault, device in zip(FAULTS.values(), devices, strict=True):
        await site.rows(fault, device.id)
    environment = {"FIRMTRAIL_DATABASE_URL": database_url}

    ended = [run("check-derived", *options, **environment) for options in ([], ["--repair"], [])]

    assert [one.returncode for one in ended] == [1, 0, 0]
    assert "1 missing, 1 outdated, 1 orphaned; 0 repaired" in ended[0].stdout
    assert "3 repaired" in ended[1].stdout


async def test_a_migration_ends_with_the_repair(site: Site, database_url: str) -> None:
    (device,) = await reporting(site, 1)
    await site.rows(FAULTS[Difference.OUTDATED], device.id)

    ended = run("migrate", FIRMTRAIL_DATABASE_URL=database_url)

    assert (ended.returncode, "1 repaired" in ended.stdout) == (0, True)
    assert await differences(site) == {}


async def test_a_repair_that_was_killed_is_done_again(site: Site, database_url: str) -> None:
    statement = OPENED.replace("%s", "gen_random_uuid()") + " from generate_series(1, 3000)"
    await site.rows(statement)
    with repairing(database_url) as process:
        while not await site.rows("select 1 from device_versions limit 1"):
            assert process.poll() is None
        process.kill()
    ((done,),) = await site.rows("select count(*) from device_versions")

    assert 0 < done < 3000
    assert await differences(site, repair=True) == {Difference.MISSING: 3000 - done}
    assert await differences(site) == {}
