"""Migrations on a real database: up, down, interrupted, and by two at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import traceback
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlparse
from psycopg.conninfo import conninfo_to_dict

from firmtrail_server.db.schema import (
    MIGRATIONS,
    DatabaseNotReachable,
    LeaseHeld,
    LeaseLost,
    MigrationFailed,
    MigrationNotFound,
    SchemaAccessRefused,
    migrate,
    pending_migrations,
    roll_back,
)

IDS = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))


def tables(url: str) -> set[str]:
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute("select table_name from information_schema.tables where table_schema = 'public'")
        return {row[0] for row in found.fetchall()} - {"migration_lease"}


def options(url: str) -> list[str]:
    """What PostgreSQL is told of device_versions."""
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute("select reloptions from pg_class where oid = 'device_versions'::regclass").fetchone()
        return found[0] if found else []


def expiry(url: str) -> float:
    """When the lease runs out, in seconds of the database's clock; 0 while nobody holds it."""
    with psycopg.connect(url, autocommit=True) as conn:
        found = conn.execute("select extract(epoch from expires_at)::float8 from migration_lease").fetchone()
        return found[0] if found else 0


def migrating(url: str, folder: Path, fault: str = "pass") -> subprocess.Popen[str]:
    """A process of its own that migrates with a lease of a second, after `fault` was planted in it."""
    script = (
        "import os, pathlib, signal, sys; from firmtrail_server.db.schema import backend, migrate;"
        f"{fault};migrate(sys.stdin.read(), folder=pathlib.Path(sys.argv[1]), lease_seconds=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(url)
    process.stdin.close()
    return process


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


def test_postgresql_vacuums_what_fleets_count_often(empty_database_url: str) -> None:
    migrate(empty_database_url)

    assert options(empty_database_url) == ["autovacuum_vacuum_scale_factor=0.002"]


def test_an_operator_who_says_when_to_vacuum_is_obeyed(empty_database_url: str) -> None:
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("alter table device_versions set (autovacuum_vacuum_scale_factor = 0.05)")

    migrate(empty_database_url)

    assert options(empty_database_url) == ["autovacuum_vacuum_scale_factor=0.05"]


def test_a_vacuum_that_is_at_work_holds_up_no_migration(empty_database_url: str) -> None:
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as vacuum:
        vacuum.execute("alter table device_versions reset (autovacuum_vacuum_scale_factor)")
        vacuum.commit()
        vacuum.execute("lock table device_versions in share update exclusive mode")

        assert migrate(empty_database_url) == []


def test_down_leaves_none_of_our_tables_and_up_again_makes_them(empty_database_url: str) -> None:
    migrate(empty_database_url)
    up = tables(empty_database_url)

    assert roll_back(empty_database_url) == IDS[::-1]
    assert not {name for name in tables(empty_database_url) if "yoyo" not in name}
    migrate(empty_database_url)
    assert tables(empty_database_url) == up


def test_going_down_to_a_migration_keeps_it_and_those_before_it(empty_database_url: str) -> None:
    migrate(empty_database_url)

    assert roll_back(empty_database_url, down_to=IDS[1]) == IDS[:1:-1]
    assert migrate(empty_database_url) == IDS[2:]


def test_going_down_to_a_migration_that_is_not_applied_undoes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)

    with pytest.raises(MigrationNotFound, match="9999"):
        roll_back(empty_database_url, down_to="9999.unheard-of")

    assert migrate(empty_database_url) == []


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
    with migrating(empty_database_url, folder) as process:
        while "two" not in tables(empty_database_url):
            assert process.poll() is None
        process.kill()
    (folder / "0003.slow.sql").write_text("-- depends: 0002.two\ncreate table if not exists three (id int primary key)")

    assert migrate(empty_database_url, folder=folder, lease_seconds=1, wait_seconds=30)[-1] == "0003.slow"
    assert {"one", "two", "three"} <= tables(empty_database_url)


def test_a_process_killed_between_applying_and_marking_is_followed_by_one_that_applies_again(
    empty_database_url: str,
) -> None:
    killed_at_the_mark = "backend.Backend.mark_one = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"
    with migrating(empty_database_url, MIGRATIONS, killed_at_the_mark) as process:
        assert process.wait() < 0
    assert "projects" in tables(empty_database_url)

    assert migrate(empty_database_url, wait_seconds=30) == IDS


def test_a_process_killed_while_it_holds_the_lock_of_yoyo_is_followed_by_the_next(empty_database_url: str) -> None:
    killed_in_the_lock = (
        "from yoyo import internalmigrations;"
        "internalmigrations.upgrade = lambda _: os.kill(os.getpid(), signal.SIGKILL)"
    )
    with migrating(empty_database_url, MIGRATIONS, killed_in_the_lock) as process:
        assert process.wait() < 0

    assert migrate(empty_database_url, wait_seconds=30) == IDS


def test_tables_of_yoyo_that_a_killed_process_left_unfinished_are_made_anew(
    empty_database_url: str, folder: Path
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("create table _yoyo_migration (id varchar(191) not null primary key, ctime timestamp)")
        conn.execute("create table _yoyo_log (id varchar(36) not null primary key)")

    assert migrate(empty_database_url, folder=folder) == ["0001.one", "0002.two"]


def test_a_table_that_another_process_makes_at_this_moment_is_waited_for(empty_database_url: str, folder: Path) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as other:
        # A type without its table is what is seen between the two steps in which the other one makes both.
        other.execute("create domain migration_lease as text")

        def go_on(happens: str) -> None:
            if happens.startswith("waiting"):
                other.execute("drop domain migration_lease")

        assert migrate(empty_database_url, folder=folder, report=go_on) == ["0001.one", "0002.two"]


def test_a_migration_that_takes_longer_than_a_lease_keeps_it(empty_database_url: str, folder: Path) -> None:
    (folder / "0003.slow.sql").write_text("-- depends: 0002.two\nset lock_timeout = '30s'; select pg_advisory_lock(1)")
    with psycopg.connect(empty_database_url, autocommit=True) as gate:
        gate.execute("select pg_advisory_lock(1)")
        with migrating(empty_database_url, folder) as process:
            while "two" not in tables(empty_database_url):
                assert process.poll() is None
            first = expiry(empty_database_url)
            while expiry(empty_database_url) < first + 1:
                assert process.poll() is None

            with pytest.raises(LeaseHeld):
                migrate(empty_database_url, folder=folder, wait_seconds=0)

            gate.execute("select pg_advisory_unlock(1)")
            assert process.wait() == 0


def test_a_process_whose_lease_was_taken_stops_and_leaves_it_to_the_new_holder(
    empty_database_url: str, folder: Path
) -> None:
    (folder / "0003.taken.sql").write_text(
        "-- depends: 0002.two\nupdate migration_lease set holder = gen_random_uuid()"
    )
    (folder / "0004.late.sql").write_text(
        "-- depends: 0003.taken\ncreate table if not exists late (id int primary key)"
    )

    with pytest.raises(LeaseLost):
        migrate(empty_database_url, folder=folder)

    assert "late" not in tables(empty_database_url)
    assert expiry(empty_database_url)


def test_what_happens_is_reported_as_it_happens(empty_database_url: str, folder: Path) -> None:
    heard: list[str] = []

    migrate(empty_database_url, folder=folder, report=heard.append)
    with psycopg.connect(empty_database_url, autocommit=True) as conn:
        conn.execute("insert into migration_lease values ('schema', gen_random_uuid(), now() + interval '1 hour')")
    with pytest.raises(LeaseHeld):
        migrate(empty_database_url, folder=folder, wait_seconds=0, report=heard.append)

    assert heard == [
        "applying 0001.one",
        "applying 0002.two",
        "waiting for another process that migrates this database",
    ]


def test_a_failing_migration_says_which_and_why_and_keeps_those_before_it(
    empty_database_url: str, folder: Path
) -> None:
    (folder / "0003.bad.sql").write_text("-- depends: 0002.two\nselect nonsense")

    with pytest.raises(MigrationFailed, match=r"0003\.bad failed: .*nonsense"):
        migrate(empty_database_url, folder=folder)

    assert {"one", "two"} <= tables(empty_database_url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hidden-word@127.0.0.1:1/firmtrail",
        "postgresql+psycopg://user:hidden-word@127.0.0.1:1/firmtrail",
        "postgresql://user:hidden-word%zz@127.0.0.1/firmtrail",
        "mysql://user:hidden-word@127.0.0.1/firmtrail",
    ],
)
def test_a_database_that_cannot_be_reached_is_refused_without_a_word_of_its_password(url: str) -> None:
    with pytest.raises(DatabaseNotReachable) as caught:
        migrate(url)

    told = "".join(traceback.format_exception_only(caught.value))
    assert "hidden-word" not in told + repr(caught.value.__cause__) + repr(caught.value.__context__)


def test_a_user_who_may_not_create_tables_is_told_so(empty_database_url: str) -> None:
    with pytest.raises(SchemaAccessRefused, match="cannot execute CREATE TABLE in a read-only transaction"):
        migrate(f"{empty_database_url}&options={quote('-c default_transaction_read_only=on')}")


def test_a_url_may_name_several_hosts_and_the_driver(empty_database_url: str) -> None:
    place = {key: quote(str(value), safe="") for key, value in conninfo_to_dict(empty_database_url).items()}
    hosts = ",".join([place["host"]] * 2)

    applied = migrate(f"postgresql+psycopg://{place['user']}@{hosts}/{place['dbname']}?port={place.get('port', 5432)}")

    assert applied == IDS


def test_a_folder_may_have_any_name(empty_database_url: str, folder: Path) -> None:
    odd = folder.rename(folder.with_name("what[1]*?"))

    assert migrate(empty_database_url, folder=odd) == ["0001.one", "0002.two"]


def test_a_user_without_a_name_may_migrate(
    empty_database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 3)
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)

    assert migrate(empty_database_url, folder=folder) == ["0001.one", "0002.two"]


@pytest.mark.parametrize("migration", IDS)
def test_every_migration_is_idempotent_and_has_a_way_back(database_url: str, migration: str) -> None:
    text = (MIGRATIONS / f"{migration}.sql").read_text(encoding="utf-8")

    with psycopg.connect(database_url, autocommit=True) as conn:
        for statement in sqlparse.split(text):
            conn.execute(statement.encode())

    assert "if exists" in (MIGRATIONS / f"{migration}.rollback.sql").read_text(encoding="utf-8")
