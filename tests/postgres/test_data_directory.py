"""Data directories that cannot be used, and the sentence that says so."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from firmtrail_postgres import DataDirectoryBusy, DataDirectoryUnusable, EmbeddedDatabase, OtherMajorVersion
from firmtrail_postgres.binaries import find_bin_dir, major_version
from firmtrail_postgres.locks import locked
from tests.postgres.conftest import Unprivileged, is_running, only_root


def refusal(root: Path) -> str:
    with pytest.raises(DataDirectoryUnusable) as refused:
        EmbeddedDatabase(root).start()
    return str(refused.value)


def test_a_file_cannot_be_a_data_directory(root: Path) -> None:
    root.write_text("a file")

    assert "a file is in its way" in refusal(root)


def test_a_data_directory_cannot_lie_below_a_file(root: Path) -> None:
    root.write_text("a file")

    assert "a file is in its way" in refusal(root / "below")


def test_a_directory_that_we_may_not_write_is_refused(root: Path, unprivileged: Unprivileged) -> None:
    root.mkdir(mode=0o555)

    refused = unprivileged.use(root)

    assert refused.returncode == 1
    assert refused.stdout.startswith(f"DataDirectoryUnusable: The data directory {root} cannot be used")
    assert "change its owner or mode" in refused.stdout


@only_root
def test_a_directory_that_postgresqls_user_cannot_enter_is_refused_and_stays_closed(root: Path) -> None:
    closed = root.parent / "closed"
    closed.mkdir(mode=0o700)

    assert f"because {closed} is closed to other users" in refusal(closed / "data")
    assert closed.stat().st_mode & 0o777 == 0o700


def test_data_of_another_major_version_is_refused_and_left_alone(root: Path) -> None:
    other = root / "pgdata-13"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("13\n")

    with pytest.raises(OtherMajorVersion, match=r"made by PostgreSQL 13, .* set FIRMTRAIL_PG_BIN"):
        EmbeddedDatabase(root).start()

    assert not (root / f"pgdata-{major_version(find_bin_dir())}").exists()


def test_something_else_in_the_place_of_the_data_is_refused_and_left_alone(root: Path) -> None:
    data = root / f"pgdata-{major_version(find_bin_dir())}"
    data.mkdir(parents=True)
    (data / "diary.txt").write_text("dear")

    assert "move it away" in refusal(root)
    assert (data / "diary.txt").read_text() == "dear"


def test_a_start_that_others_hold_up_ends_with_a_sentence(root: Path) -> None:
    root.mkdir()

    with locked(root / "start.lock", deadline=0), pytest.raises(DataDirectoryBusy, match="end that process"):
        EmbeddedDatabase(root, start_timeout_seconds=0.1).start()


@pytest.fixture
def small_disk(root: Path) -> Generator[Path]:
    root.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", root], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("this root may not mount a small disk")
    yield root / "data"
    subprocess.run(["umount", root], check=True)


@only_root
def test_a_full_disk_is_called_that(small_disk: Path) -> None:
    assert "is full: make room" in refusal(small_disk)
    assert not is_running(small_disk)
