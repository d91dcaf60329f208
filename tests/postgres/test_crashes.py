"""What is killed, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from firmtrail_postgres import DatabaseNotReady, EmbeddedDatabase
from firmtrail_postgres.locks import wait_for
from tests.postgres.conftest import FAST, IS_ROOT, StartUser, is_running, postmaster_pid


def insert(url: str, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create table if not exists kept (number integer)")
        for number in range(count):
            conn.execute("insert into kept values (%s)", [number])


def count(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("select count(*) from kept").fetchone()
    assert row is not None
    return row[0]


@contextmanager
def bystander(uid: int) -> Generator[subprocess.Popen[bytes]]:
    """Another process of PostgreSQL's user: one of another user's it disregards by itself."""
    with subprocess.Popen(["sleep", "600"], user=uid if IS_ROOT else None, cwd="/") as process:
        try:
            yield process
        finally:
            process.kill()


def test_no_row_is_lost_when_the_server_is_killed(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root)
    insert(database.start(), 100)
    os.kill(postmaster_pid(made_root), signal.SIGKILL)

    with EmbeddedDatabase(made_root) as url:
        assert count(url) == 100
        database.stop()


_DYING_SERVER = """
import fcntl, os, socket, sys
lock_path, socket_path = sys.argv[1:]
fcntl.flock(os.open(lock_path, os.O_RDWR), fcntl.LOCK_EX)
listener = socket.socket(socket.AF_UNIX)
if os.path.exists(socket_path):
    os.unlink(socket_path)
listener.bind(socket_path)
listener.listen(1)
print("dying", flush=True)
listener.accept()
"""


def test_a_server_that_dies_just_after_it_was_found_is_replaced(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    database.start()
    os.kill(postmaster_pid(made_root), signal.SIGKILL)
    assert wait_for(lambda: not is_running(made_root), time.monotonic() + 30)
    (pid_file,) = made_root.glob("pgdata-*/postmaster.pid")
    address = Path(pid_file.read_text().splitlines()[4]) / ".s.PGSQL.5432"
    command = [sys.executable, "-c", _DYING_SERVER, str(made_root / "server.lock"), str(address)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"dying\n"

        with EmbeddedDatabase(made_root, settings=FAST) as url, psycopg.connect(url) as conn:
            assert conn.info.dbname == "firmtrail"
            database.stop()


def test_a_server_restarted_after_a_kill_is_where_its_clients_look_for_it(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    url = database.start()
    os.kill(postmaster_pid(made_root), signal.SIGKILL)

    with EmbeddedDatabase(made_root, settings=FAST) as again:
        assert again == url
        database.stop()


def test_a_server_is_restarted_although_its_old_process_id_is_in_use_again(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    insert(database.start(), 1)
    os.kill(postmaster_pid(made_root), signal.SIGKILL)
    assert wait_for(lambda: not is_running(made_root), time.monotonic() + 30)
    (pid_file,) = made_root.glob("pgdata-*/postmaster.pid")
    with bystander(pid_file.stat().st_uid) as other:
        _, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{other.pid}\n{rest}")

        with EmbeddedDatabase(made_root, settings=FAST) as url:
            assert count(url) == 1
            database.stop()

        assert other.poll() is None


def test_the_server_outlives_a_killed_user_and_the_next_takes_it_over(made_root: Path, start_user: StartUser) -> None:
    user = start_user(made_root)
    insert(user.url(), 1)
    pid = postmaster_pid(made_root)
    user.kill()

    database = EmbeddedDatabase(made_root)

    assert count(database.start()) == 1
    assert postmaster_pid(made_root) == pid
    assert database.stop()


def test_a_kill_while_the_data_is_made_leaves_nothing_half_made(root: Path, start_user: StartUser) -> None:
    user = start_user(root)
    assert wait_for(lambda: any(root.glob("pgdata-*.unfinished/PG_VERSION")), time.monotonic() + 30)
    user.kill()
    assert not any(path for path in root.glob("pgdata-*") if path.suffix != ".unfinished")

    with EmbeddedDatabase(root, settings=FAST) as url:
        insert(url, 1)

    assert not list(root.glob("*.unfinished"))


def test_control_c_in_the_middle_of_a_start_leaves_no_server_and_no_socket(
    root: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(root.parent))
    user = start_user(root)
    assert wait_for((root / "server.log").exists, time.monotonic() + 30)

    user.interrupt()

    assert not is_running(root)
    assert list(root.parent.iterdir()) == [root]


def test_a_data_directory_that_is_held_without_an_answer_names_the_process(made_root: Path) -> None:
    database = EmbeddedDatabase(made_root, settings=FAST)
    with psycopg.connect(database.start()) as conn:
        (Path(conn.info.host) / ".s.PGSQL.5432").unlink()
    pid = postmaster_pid(made_root)

    with pytest.raises(DatabaseNotReady, match=f"process {pid}"):
        EmbeddedDatabase(made_root, start_timeout_seconds=0.2).start()

    assert database.stop()
