"""Deleting in batches: everything goes, nothing else does, and what was interrupted is finished."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator

import httpx
import psycopg
import pytest

from firmtrail_server.db import Database
from firmtrail_server.services import deletion
from firmtrail_server.services.deletion import Sweeper
from tests.server.callers import Caller, refusal
from tests.server.conftest import Clock, Demo

NOW = dt.datetime(2026, 6, 2, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(minutes=2)
TABLES = ("devices", "api_keys", "device_firmware", "device_versions", "device_firmware_periods", "removed_devices")


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_PERIODS_AT_ONCE", 2)
    monkeypatch.setattr(deletion, "_DEVICES_AT_ONCE", 2)


def rows(database_url: str, project_id: str) -> dict[str, int]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        return {
            table: conn.execute(
                f"select count(*) from {table} where project_id = %s".encode(), [project_id]
            ).fetchall()[0][0]
            for table in TABLES
        }


async def run_versions(http: httpx.AsyncClient, demo: Demo, count: int) -> None:
    for number in range(count):
        await http.post(demo.path, json={"version": f"1.{number}"}, auth=demo.device_key)


async def test_the_history_of_a_deleted_device_goes_in_batches(
    admin: Caller, demo: Demo, other: Demo, database: Database, database_url: str
) -> None:
    await run_versions(admin.http, demo, 6)
    await run_versions(admin.http, other, 3)
    before = rows(database_url, other.project_id)

    await admin.delete(f"devices/{demo.device_id}")
    await Sweeper(database).sweep(NOW)

    assert rows(database_url, demo.project_id) == dict.fromkeys(TABLES, 0) | {"api_keys": 1}
    assert rows(database_url, other.project_id) == before


async def test_a_deleted_project_goes_with_all_that_is_its_own(
    admin: Caller, demo: Demo, other: Demo, database: Database, database_url: str
) -> None:
    await admin.upload(f"projects/{demo.project_id}/devices/import", "name\na\nb\nc\nd\n", "text/csv")
    await run_versions(admin.http, demo, 4)
    before = rows(database_url, other.project_id)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update projects set deleted_at = now() where id = %s", [demo.project_id])

    assert (await admin.get(f"projects/{demo.project_id}/devices")).status_code == 401
    await Sweeper(database).sweep(NOW)
    await Sweeper(database).sweep(LATER)

    assert rows(database_url, demo.project_id) == dict.fromkeys(TABLES, 0)
    assert rows(database_url, other.project_id) == before
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from projects").fetchone() == (1,)


async def blocked(database_url: str) -> None:
    """Wait until a transaction waits for another."""
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        while not await (await conn.execute(waiting)).fetchone():
            pass


async def test_what_was_added_while_a_project_went_goes_too(demo: Demo, database: Database, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("update projects set deleted_at = now() where id = %s", [demo.project_id])
        conn.commit()
        conn.execute("insert into devices (project_id, name) values (%s, 'late')", [demo.project_id])
        sweep = asyncio.create_task(Sweeper(database).sweep(NOW))
        await blocked(database_url)
        conn.commit()

    await sweep
    await Sweeper(database).sweep(LATER)

    assert rows(database_url, demo.project_id) == dict.fromkeys(TABLES, 0)
    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from projects").fetchone() == (0,)


async def test_what_comes_into_a_project_at_the_moment_it_goes_is_refused(
    admin: Caller, demo: Demo, database_url: str
) -> None:
    with psycopg.connect(database_url) as conn:
        for table in ("api_keys", "devices"):
            conn.execute(f"delete from {table} where project_id = %s".encode(), [demo.project_id])
        conn.execute("delete from projects where id = %s", [demo.project_id])
        late = asyncio.create_task(admin.post(f"projects/{demo.project_id}/devices", {"name": "late"}))
        await blocked(database_url)
        conn.commit()

    assert refusal(await late) in [(404, "not_found"), (401, "unauthenticated")]


async def test_what_a_report_leaves_that_was_on_its_way_goes_a_minute_later(
    admin: Caller, demo: Demo, database: Database, database_url: str, clock: Clock
) -> None:
    await run_versions(admin.http, demo, 2)
    kept = "create table {0}_kept as select * from {0}; "
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("alter table device_firmware_periods alter column span drop expression")
        for table in ("device_firmware", "device_versions", "device_firmware_periods"):
            conn.execute(kept.format(table).encode())
    await admin.delete(f"devices/{demo.device_id}")
    await Sweeper(database).sweep(clock.moment)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("insert into device_firmware select * from device_firmware_kept")
        conn.execute("insert into device_versions select * from device_versions_kept")
        conn.execute(
            "insert into device_firmware_periods select * from device_firmware_periods_kept on conflict do nothing"
        )

    await Sweeper(database).sweep(clock.advance(minutes=2))

    assert rows(database_url, demo.project_id) == dict.fromkeys(TABLES, 0) | {"api_keys": 1}


async def test_a_sweep_with_nothing_to_do_does_nothing(database: Database, demo: Demo, database_url: str) -> None:
    before = rows(database_url, demo.project_id)

    await Sweeper(database).sweep(NOW)

    assert rows(database_url, demo.project_id) == before
