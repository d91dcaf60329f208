"""Which user runs PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from firmtrail_postgres import DataDirectoryUnusable, EmbeddedDatabase, UserUnusable
from tests.postgres.conftest import FAST, IS_ROOT, Unprivileged, is_running, only_root, postmaster_pid

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
NOBODY = pwd.getpwnam("nobody").pw_uid


def owner(root: Path) -> int:
    (data,) = root.glob("pgdata-*")
    return data.stat().st_uid


def own(path: Path) -> Path:
    """Make a directory that the user without privileges owns."""
    path.mkdir(mode=0o700)
    if IS_ROOT:
        shutil.chown(path, NOBODY)
    return path


def test_a_user_without_privileges_starts_and_stops_it(root: Path, unprivileged: Unprivileged) -> None:
    used = unprivileged.use(own(root))

    assert used.returncode == 0, used.stdout
    assert used.stdout.splitlines()[-1] == "stopped"
    assert owner(root) == (NOBODY if IS_ROOT else os.geteuid())
    assert not is_running(root)


def test_the_socket_of_a_user_lies_in_their_runtime_directory(root: Path, unprivileged: Unprivileged) -> None:
    runtime = own(root.parent / "runtime")

    used = unprivileged.use(own(root), XDG_RUNTIME_DIR=str(runtime))

    assert f"host={str(runtime).replace('/', '%2F')}%2Ffirmtrail-" in used.stdout
    assert not list(runtime.iterdir())


def test_a_runtime_directory_that_is_closed_to_the_user_is_passed_over(root: Path, unprivileged: Unprivileged) -> None:
    runtime = root.parent / "runtime"
    runtime.mkdir(mode=0o500)

    used = unprivileged.use(own(root), XDG_RUNTIME_DIR=str(runtime))

    assert used.stdout.startswith("postgresql://")
    assert "runtime" not in used.stdout


@pytest.fixture(scope="module")
def handed_over(open_directory: Path) -> Generator[Path]:
    """A running database that root started, with a secret in its environment."""
    root = open_directory / "handed-over"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_SECRET", "hush")
        with EmbeddedDatabase(root, settings=FAST):
            yield root


@only_root
def test_root_hands_the_server_to_a_user_without_privileges(handed_over: Path) -> None:
    assert owner(handed_over) != 0


@only_root
@only_linux
def test_the_server_keeps_none_of_roots_groups(handed_over: Path) -> None:
    status = Path(f"/proc/{postmaster_pid(handed_over)}/status").read_text()

    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in {*fields["Uid"].split(), *fields["Gid"].split(), *fields["Groups"].split()}


@only_root
@only_linux
def test_the_server_sees_none_of_our_secrets(handed_over: Path) -> None:
    assert b"hush" not in Path(f"/proc/{postmaster_pid(handed_over)}/environ").read_bytes()


@only_root
def test_root_names_the_user_once_and_the_data_remembers_it(root: Path) -> None:
    with EmbeddedDatabase(root, user="nobody", settings=FAST):
        pass

    with EmbeddedDatabase(root, settings=FAST):
        assert owner(root) == NOBODY


@only_root
@pytest.mark.parametrize("user", ["no-such-user", "root"])
def test_a_user_who_cannot_run_it_is_refused_by_name(root: Path, user: str) -> None:
    with pytest.raises(UserUnusable, match=f"no unprivileged user named {user}: set FIRMTRAIL_PG_USER"):
        EmbeddedDatabase(root, user=user).start()


@only_root
def test_data_of_another_user_than_the_named_one_is_refused(root: Path) -> None:
    with EmbeddedDatabase(root, user="nobody", settings=FAST):
        pass

    with pytest.raises(DataDirectoryUnusable, match="belongs to nobody, not to daemon: set FIRMTRAIL_PG_USER"):
        EmbeddedDatabase(root, user="daemon").start()
