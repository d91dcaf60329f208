"""Migrations while others use the tables: no waiting in front of reports, batches, and what there is to do."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import psycopg
import pytest
import sqlparse

from firmtrail_server.db.schema import LockNotGiven, batches, migrate, plan_of
from tests.server.server_process import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001.one.sql").write_text("create table if not exists one (id int primary key)")
    return tmp_path


def add_column(folder: Path) -> None:
    (folder / "0002.two.sql").write_text("-- depends: 0001.one\nalter table one add column if not exists two int")


def test_a_migration_that_waits_for_a_lock_lets_others_pass(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder=folder)
    add_column(folder)
    with psycopg.connect(empty_database_url) as reader, psycopg.connect(empty_database_url, autocommit=True) as writer:
        reader.execute("select count(*) from one")
        migrating = threading.Thread(target=migrate, args=[empty_database_url], kwargs={"folder": folder})
        migrating.start()
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%add column%'"
        while writer.execute(waiting).fetchone() is None:
            time.sleep(0.01)
        writer.execute("set statement_timeout = '20s'")
        writer.execute("insert into one values (1)")  # behind the migration, and the reader is still there
        assert migrating.is_alive()
        reader.rollback()
        migrating.join()

    with psycopg.connect(empty_database_url) as conn:
        assert conn.execute("select id, two from one").fetchall() == [(1, None)]


def test_a_migration_that_gets_no_lock_gives_up_and_says_why(empty_database_url: str, folder: Path) -> None:
    migrate(empty_database_url, folder=folder)
    add_column(folder)
    with psycopg.connect(empty_database_url) as reader:
        reader.execute("select count(*) from one")
        with pytest.raises(LockNotGiven, match=r"0002\.two"):
            migrate(empty_database_url, folder=folder, wait_seconds=0)

    assert migrate(empty_database_url, folder=folder) == ["0002.two"], "it can be done again"


def test_an_index_is_made_beside_writers_and_anew_if_one_was_left_unfinished(database_url: str) -> None:
    name = "0065.device_versions_changed_index"
    writing = "insert into device_versions values (gen_random_uuid(), 'main', gen_random_uuid(), '1.0', now())"
    with psycopg.connect(database_url) as older, psycopg.connect(database_url, autocommit=True) as writer:
        writer.execute("delete from _yoyo_migration where migration_id = %s", [name])
        writer.execute(
            "update pg_index set indisvalid = false where indexrelid = 'device_versions_changed_idx'::regclass"
        )
        older.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        older.execute("select 1")  # the index waits for whoever may still look for what it lacks
        migrating = threading.Thread(target=migrate, args=[database_url])
        migrating.start()
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'create index conc%'"
        while writer.execute(waiting).fetchone() is None:
            time.sleep(0.01)
        writer.execute("set statement_timeout = '20s'")
        writer.execute(writing)
        assert migrating.is_alive()
        older.rollback()
        migrating.join()

    with psycopg.connect(database_url) as conn:
        found = conn.execute(
            "select indisvalid from pg_index where indexrelid = 'device_versions_changed_idx'::regclass"
        )
        assert found.fetchall() == [(True,)]


def test_device_versions_is_filled_in_batches(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_ROWS", 3)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            """
            insert into device_firmware (project_id, device_id, period_id, component, version, recorded_at,
                                         first_reported_at, last_reported_at, report_count, tie_rank)
            select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), component, '1.0', now(), now(), now(), 1, 0
              from generate_series(1, 5), (values ('main'), ('modem')) as components (component)
            """
        )
        conn.execute("delete from device_versions")
        conn.execute(
            """
            insert into device_versions (project_id, component, device_id, version, since)
            select project_id, component, device_id, 'newer', now() from device_firmware limit 1
            """
        )
    looks: list[uuid.UUID] = []

    batches.fill_in(database_url, "0029.device_versions", lambda: looks.append(uuid.uuid4()))

    with psycopg.connect(database_url) as conn:
        versions = conn.execute("select version from device_versions order by version").fetchall()
    assert [version for (version,) in versions] == ["1.0"] * 9 + ["newer"], "and one stayed as it was"
    assert len(looks) == 5, "four batches, and one that found nothing"


def test_check_says_what_is_pending_and_changes_nothing(empty_database_url: str) -> None:
    checked = run("migrate", "--check", FIRMTRAIL_DATABASE_URL=empty_database_url)
    planned = run("migrate", "--plan", FIRMTRAIL_DATABASE_URL=empty_database_url)

    assert (checked.returncode, planned.returncode) == (1, 0)
    assert checked.stdout.startswith("pending 0001.projects\n")
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        assert conn.execute("select 1 from information_schema.tables where table_schema = 'public'").fetchone() is None
        for statement in sqlparse.split(planned.stdout):  # the plan is SQL that makes the whole schema
            conn.execute(statement.encode())
        assert conn.execute("select count(*) from device_versions").fetchone() == (0,)


def test_check_of_a_schema_that_is_up_to_date_is_0(database_url: str) -> None:
    ended = [run("migrate", what, FIRMTRAIL_DATABASE_URL=database_url) for what in ("--check", "--plan")]

    assert [(one.returncode, "up to date" in one.stdout) for one in ended] == [(0, True)] * 2


def test_the_plan_shows_batches_too() -> None:
    assert "insert into device_versions" in plan_of("0029.device_versions")
