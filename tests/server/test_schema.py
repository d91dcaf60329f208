"""Migrations on a real database: up, down, interrupted, and by two at once."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from firmtrail_server.schema import (
    MIGRATIONS,
    DatabaseNotReachable,
    LeaseHeld,
    MigrationFailed,
    migrate,
    pending_migrations,
    roll_back,
)

IDS = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))


def tables(url: str) -> set[str]:
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute("select table_name from information_schema.tables where table_schema = 'public'")
        return {row[0] for row in found.fetchall()} - {"migration_lease"}


async def pending(url: str, folder: Path = MIGRATIONS) -> list[str]:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        return await pending_migrations(conn, folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001.one.sql").write_text("create table if not exists one (id int primary key)")
    (tmp_path / "0002.two.sql").write_text("-- depends: 0001.one\ncreate table if not exists two (id int primary key)")
    return tmp_path


def test_an_empty_database_gets_every_migration_in_order(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == IDS
    assert {"projects", "devices", "api_keys", "device_firmware", "device_firmware_periods"} <= tables(
        empty_database_url
    )


def test_a_second_run_does_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)

    assert migrate(empty_database_url) == []


def test_down_leaves_none_of_our_tables_and_up_again_makes_them(empty_database_url: str) -> None:
    migrate(empty_database_url)
    up = tables(empty_database_url)

    assert roll_back(empty_database_url) == IDS[::-1]
    assert not {name for name in tables(empty_database_url) if "yoyo" not in name}
    migrate(empty_database_url)
    assert tables(empty_database_url) == up


async def test_pending_names_what_an_empty_a_half_and_a_full_database_lack(
    empty_database_url: str, folder: Path
) -> None:
    assert await pending(empty_database_url, folder) == ["0001.one", "0002.two"]
    (folder / "0002.two.sql").rename(folder / "later")
    migrate(empty_database_url, folder=folder)
    (folder / "later").rename(folder / "0002.two.sql")
    assert await pending(empty_database_url, folder) == ["0002.two"]
    migrate(empty_database_url, folder=folder)
    assert await pending(empty_database_url, folder) == []


async def test_a_newer_schema_than_this_server_knows_is_no_hindrance(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder=folder)
    (folder / "0002.two.sql").unlink()

    assert await pending(empty_database_url, folder) == []


def test_a_migration_that_was_applied_but_not_marked_is_applied_again_without_harm(empty_database_url: str) -> None:
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("delete from _yoyo_migration")

    assert migrate(empty_database_url) == IDS


def test_two_processes_that_migrate_at_once_both_succeed_and_each_migration_runs_once(empty_database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        applied = pool.map(migrate, [empty_database_url] * 2)

    assert sorted(applied[0] + applied[1]) == IDS


def test_a_process_killed_in_a_migration_is_followed_by_the_next_when_its_lease_has_run_out(
    empty_database_url: str, folder: Path
) -> None:
    (folder / "0003.slow.sql").write_text("-- depends: 0002.two\nselect pg_sleep(600)")
    script = (
        "import sys, pathlib; from firmtrail_server.schema import migrate;"
        "migrate(sys.stdin.read(), folder=pathlib.Path(sys.argv[1]), lease_seconds=1)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(empty_database_url)
        process.stdin.close()
        while "two" not in tables(empty_database_url):
            assert process.poll() is None
        process.kill()
    (folder / "0003.slow.sql").write_text("-- depends: 0002.two\ncreate table if not exists three (id int primary key)")

    assert migrate(empty_database_url, folder=folder, lease_seconds=1, wait_seconds=30)[-1] == "0003.slow"
    assert {"one", "two", "three"} <= tables(empty_database_url)


def test_a_migration_that_takes_longer_than_a_lease_keeps_it(empty_database_url: str, folder: Path) -> None:
    (folder / "0003.slow.sql").write_text("-- depends: 0002.two\nselect pg_sleep(2)")
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        slow = pool.apply_async(migrate, [empty_database_url], {"folder": folder, "lease_seconds": 0.6})
        while "two" not in tables(empty_database_url):
            slow.wait(0.01)

        with pytest.raises(LeaseHeld):
            migrate(empty_database_url, folder=folder, wait_seconds=1)

        assert slow.get(30) == ["0001.one", "0002.two", "0003.slow"]


def test_a_failing_migration_says_which_and_why_and_keeps_those_before_it(
    empty_database_url: str, folder: Path
) -> None:
    (folder / "0003.bad.sql").write_text("-- depends: 0002.two\nselect nonsense")

    with pytest.raises(MigrationFailed, match=r"0003\.bad failed: .*nonsense"):
        migrate(empty_database_url, folder=folder)

    assert {"one", "two"} <= tables(empty_database_url)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseNotReachable) as caught:
        migrate("postgresql://user:hidden-word@127.0.0.1:1/firmtrail")

    assert "hidden-word" not in str(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize("migration", IDS)
def test_every_migration_is_idempotent_and_has_a_way_back(migration: str) -> None:
    assert "if not exists" in (MIGRATIONS / f"{migration}.sql").read_text()
    assert "if exists" in (MIGRATIONS / f"{migration}.rollback.sql").read_text()
