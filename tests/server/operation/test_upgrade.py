"""A database of before device_versions is brought along while servers of that time go on writing to it."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import psycopg
import pytest

from firmtrail_contract import DeviceState
from firmtrail_server.db import Connection, Database
from firmtrail_server.db.schema import MIGRATIONS, migrate
from firmtrail_server.history.timeline import Sender
from firmtrail_server.ingest import Ingest
from firmtrail_server.services.derived_tables import compare
from tests.server import old_server
from tests.server.fleet_checks import check_counts
from tests.server.fleet_histories import COMPONENTS, VERSIONS
from tests.server.fleet_model import Observation
from tests.server.old_server import Component
from tests.server.real_fleet import DAY, HOUR, RealFleet, moment
from tests.server.server_process import run

DEVICES = 40
MIGRATION_IDS = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))
NEW = MIGRATION_IDS[MIGRATION_IDS.index(old_server.LAST_MIGRATION) + 1 :]
#: kills the process when it has applied one of the migrations and before it marks that
KILLED_AT = (
    "import os, pathlib, signal, sys; from firmtrail_server.db.schema import backend, migrate;"
    "mark = backend.Backend.mark_one;"
    "backend.Backend.mark_one = lambda self, one, **more: os.kill(os.getpid(), signal.SIGKILL)"
    " if one.id == sys.argv[1] else mark(self, one, **more);"
    "migrate(sys.stdin.read(), lease_seconds=1)"
)
#: kills the process between two batches of what is filled in
KILLED_WHILE_FILLING = (
    "import itertools, os, signal, sys; from firmtrail_server.db.schema import batches, migrate, migrating;"
    "batches._ROWS = 10; looks = itertools.count();"
    "migrating.fill_in = lambda url, name, check: batches.fill_in("
    "url, name, lambda: os.kill(os.getpid(), signal.SIGKILL) if next(looks) == 3 else None);"
    "migrate(sys.stdin.read(), lease_seconds=1)"
)


class OldFleet(RealFleet):
    """One whose devices report to a server of before."""

    async def _issue_key(self, conn: Connection, name: int) -> None:
        device_id = self.devices[name]
        key_id = await old_server.store_key(conn, self.project_id, device_id, moment(0))
        self.senders[name] = Sender(key_id, device_id, None)

    async def old_report(self, conn: Connection, device: int, component: str, version: str, at: int) -> None:
        device_id = self.devices[device]
        await old_server.store(conn, Component(self.project_id, device_id, component), version, moment(at))
        self.model.observations.append(Observation(str(device_id), component, version, at))

    async def report_day(self, conn: Connection, day: int) -> None:
        """Let some of the devices report, some of them a new version."""
        for device in range(DEVICES):
            if random.random() < 0.5:
                at = day * DAY + device * HOUR // 60
                await self.old_report(conn, device, random.choice(COMPONENTS), random.choice(VERSIONS), at)


@pytest.fixture
async def fleet(empty_database_url: str, tmp_path: Path) -> AsyncGenerator[OldFleet]:
    """A fleet that has reported for some days into the old tables."""
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < "0029":
            shutil.copy(path, tmp_path)
    migrate(empty_database_url, folder=tmp_path)
    database = Database(empty_database_url, max_connections=4)
    await database.open()
    ingest = Ingest(database, empty_database_url)
    ingest.open()
    fleet = OldFleet(database, ingest)
    await fleet.begin(DEVICES)
    async with await connect(empty_database_url) as conn:
        for day in (0, 1, 2, 4, 5, 40, 300, 301, 310):
            await fleet.report_day(conn, day)
    yield fleet
    await ingest.close()
    await database.close()


def migrating(url: str, killed_at: str, program: str = KILLED_AT) -> subprocess.Popen[bytes]:
    """A process that migrates, and kills itself before it marks one of the migrations."""
    process = subprocess.Popen([sys.executable, "-c", program, killed_at], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(url.encode())
    process.stdin.close()
    return process


async def connect(url: str) -> Connection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def check(fleet: OldFleet) -> None:
    """Compare the new tables with what they are derived from, and the counts with the model."""
    assert not (await compare(fleet.database, repair=False)).differences
    for at in (None, 5 * DAY, 40 * DAY + HOUR, 299 * DAY, 301 * DAY, 500 * DAY):
        await check_counts(fleet, at, None, DeviceState.ACTIVE)


async def test_what_an_old_server_stored_is_all_there_after_the_migrations(
    fleet: OldFleet, empty_database_url: str
) -> None:
    ended = run("migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)

    assert ended.stdout.split() == [word for name in NEW for word in ("applied", name)]
    await check(fleet)


async def test_what_an_old_server_stores_meanwhile_and_later_is_repaired(
    fleet: OldFleet, empty_database_url: str
) -> None:
    is_upgraded = asyncio.Event()
    days: list[int] = []

    async def go_on() -> None:
        async with await connect(empty_database_url) as conn:
            while not is_upgraded.is_set() or len(days) < 3:
                days.append(320 + len(days))
                await fleet.report_day(conn, days[-1])

    old = asyncio.create_task(go_on())
    ended = await asyncio.to_thread(run, "migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)
    assert ended.returncode == 0, ended.stderr
    is_upgraded.set()
    await old
    async with await connect(empty_database_url) as conn:
        await fleet.report_day(conn, 800)
    assert (await compare(fleet.database, repair=False)).differences, "it is worth a repair"

    ended = run("check-derived", "--repair", FIRMTRAIL_DATABASE_URL=empty_database_url)

    assert ended.returncode == 0, ended.stderr
    await check(fleet)


async def test_an_upgraded_fleet_goes_on_with_its_histories(fleet: OldFleet, empty_database_url: str) -> None:
    run("migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)

    for device in range(0, DEVICES, 2):
        await fleet.report(device, [("main", VERSIONS[device % 3]), ("modem", "2.0")], 400 * DAY)
        await fleet.report(device, [("main", "1.1")], 20 * DAY)

    await check(fleet)


async def test_a_kill_in_each_migration_is_followed_by_a_run_that_ends_it(
    fleet: OldFleet, empty_database_url: str
) -> None:
    for name in NEW:
        killed = migrating(empty_database_url, name)
        assert await asyncio.to_thread(killed.wait) < 0, name
        async with await connect(empty_database_url) as conn:
            await fleet.report_day(conn, 320 + NEW.index(name))
    await asyncio.to_thread(run, "migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)

    await check(fleet)


async def test_a_kill_between_two_batches_is_followed_by_a_run_that_fills_in_all(
    fleet: OldFleet, empty_database_url: str
) -> None:
    killed = migrating(empty_database_url, "", KILLED_WHILE_FILLING)
    assert await asyncio.to_thread(killed.wait) < 0
    async with await connect(empty_database_url) as conn:
        filled = await (await conn.execute("select count(*) from device_versions")).fetchone()
        await fleet.report_day(conn, 320)
    assert filled == (30,), "three batches"

    await asyncio.to_thread(run, "migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)

    await check(fleet)


async def test_a_kill_while_the_span_is_added_leaves_nothing_half(fleet: OldFleet, empty_database_url: str) -> None:
    async with await connect(empty_database_url) as reader, reader.transaction():
        await reader.execute("select count(*) from device_firmware_periods")  # which the table's rewriting waits for
        with migrating(empty_database_url, "none") as process:
            while not await waits(fleet.database):
                assert process.poll() is None
            process.kill()

    await asyncio.to_thread(run, "migrate", FIRMTRAIL_DATABASE_URL=empty_database_url)

    await check(fleet)


async def waits(database: Database) -> bool:
    """Say whether the statement that adds the span waits for a lock."""
    async with database.transaction() as conn:
        waiting = "wait_event_type = 'Lock' and query like '%add column if not exists span%'"
        found = await conn.execute(f"select 1 from pg_stat_activity where {waiting}".encode())
        return await found.fetchone() is not None
