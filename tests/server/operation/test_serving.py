"""`firmtrail-server` as real processes: stopped at any moment of its start, and several started at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from firmtrail_postgres import EmbeddedDatabase
from firmtrail_postgres.locks import wait_for
from firmtrail_server.db.schema import migrate
from tests.postgres.conftest import FAST, is_running
from tests.server.server_process import TIMEOUT_SECONDS, ServerProcess, serving

#: Starts the command on the test's data directory.
Start = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def folder() -> Generator[Path]:
    """One that other users can enter, which pytest's own is not when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="firmtrail-serving-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="module")
def migrated_once(folder: Path) -> Path:
    root = folder / "migrated-once"
    with EmbeddedDatabase(root, settings=FAST) as url:
        migrate(url)
    return root


@pytest.fixture
def data_dir(folder: Path) -> Generator[Path]:
    """Not yet made."""
    root = Path(tempfile.mkdtemp(dir=folder)) / "data"
    root.parent.chmod(0o711)
    yield root
    if is_running(root):  # a test has failed
        with EmbeddedDatabase(root):
            pass
    shutil.rmtree(root.parent)  # at once, so that most of it never reaches the disk


@pytest.fixture
def migrated_data_dir(data_dir: Path, migrated_once: Path) -> Path:
    """A copy, which is faster than making one."""
    subprocess.run(["cp", "-a", migrated_once, data_dir], check=True)
    return data_dir


@pytest.fixture
def start(data_dir: Path) -> Generator[Start]:
    with ExitStack() as stack:

        def started(*arguments: str, **environment: str) -> ServerProcess:
            process = ServerProcess(*arguments, FIRMTRAIL_DATA_DIR=str(data_dir), **environment)
            stack.callback(process.kill)
            return process

        yield started


def assert_ready(server: ServerProcess) -> None:
    httpx.get(f"{server.url()}/readyz").raise_for_status()


def wait_until(state: Callable[[], bool]) -> None:
    assert wait_for(state, time.monotonic() + TIMEOUT_SECONDS)


def test_control_c_while_it_makes_its_data_ends_it_in_order(data_dir: Path, start: Start) -> None:
    server = start("serve")
    wait_until(lambda: any(data_dir.glob("pgdata-*.unfinished/PG_VERSION")))

    server.signal(signal.SIGINT)

    assert (server.exit_code(), server.said) == (0, "")
    assert not is_running(data_dir)


def test_sigterm_while_its_database_starts_ends_both_in_order(migrated_data_dir: Path, start: Start) -> None:
    (migrated_data_dir / "server.log").unlink()
    server = start("serve")
    wait_until((migrated_data_dir / "server.log").exists)

    assert (server.stop(), server.said) == (0, "")
    assert not is_running(migrated_data_dir)


@pytest.mark.parametrize(("command", "exit_code"), [("serve", 0), ("migrate", 130)])
def test_sigterm_while_it_waits_to_migrate_ends_it_and_its_database_but_migrated_it_has_not(
    migrated_data_dir: Path, start: Start, command: str, exit_code: int
) -> None:
    with EmbeddedDatabase(migrated_data_dir, settings=FAST) as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("insert into migration_lease values ('schema', gen_random_uuid(), now() + interval '1 hour')")
        process = start(command)
        wait_until(lambda: somebody_asks_for_the_lease(conn))

    assert is_running(migrated_data_dir)
    assert (process.stop(), process.said) == (exit_code, "")
    assert not is_running(migrated_data_dir)


def somebody_asks_for_the_lease(conn: psycopg.Connection) -> bool:
    asked = "select 1 from pg_stat_activity where query like '%into migration_lease%' and pid <> pg_backend_pid()"
    return conn.execute(asked).fetchone() is not None


def test_sigterm_ends_one_that_serves_and_a_second_sigterm_does_not_cut_that_short(
    migrated_data_dir: Path, start: Start
) -> None:
    server = start("serve")
    assert_ready(server)
    server.signal(signal.SIGTERM)

    assert server.stop() == 0
    assert server.said.count("\n") == 1
    assert not is_running(migrated_data_dir)


def test_sigterm_ends_all_workers_and_then_their_database(migrated_data_dir: Path, start: Start) -> None:
    server = start("serve", "--workers", "2")
    assert_ready(server)

    assert (server.stop(), server.said.count("\n")) == (0, 1), server.said
    assert not is_running(migrated_data_dir)


def test_sighup_does_nothing(migrated_data_dir: Path, start: Start) -> None:
    server = start("serve")
    url = server.url()
    server.signal(signal.SIGHUP)

    httpx.get(f"{url}/readyz").raise_for_status()
    assert server.stop() == 0


def test_two_that_start_at_once_on_an_empty_database_both_serve(empty_database_url: str, start: Start) -> None:
    servers = [start("serve", "--migrate", FIRMTRAIL_DATABASE_URL=empty_database_url) for _ in range(2)]
    for server in servers:
        assert_ready(server)

    assert [server.stop() for server in servers] == [0, 0]


def test_a_kept_signing_key_is_that_of_every_start(migrated_data_dir: Path) -> None:
    settings = {"FIRMTRAIL_DATA_DIR": str(migrated_data_dir)}

    with serving(**settings) as url:
        first = signing_key(url)
    with serving(**settings) as url:
        assert signing_key(url) == first

    assert (migrated_data_dir / "signing-keys.json").stat().st_mode & 0o777 == 0o600


def signing_key(url: str) -> str:
    (key,) = httpx.get(f"{url}/.well-known/jwks.json").raise_for_status().json()["keys"]
    return key["kid"]
