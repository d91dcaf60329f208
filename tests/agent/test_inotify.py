"""Noticing that files have changed: on a real disk, and without a wake-up while nothing happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.file import File
from firmtrail_agent.sources.builtin.os_release import OsRelease
from firmtrail_agent.sources.engine.registry import BUILT_IN
from firmtrail_agent.sources.watched_files import _FILES, paths
from firmtrail_agent.system.inotify import Watcher


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "version"
    file.write_text("1")
    return file


@pytest.fixture
def watcher(file: Path) -> Generator[Watcher]:
    watcher = Watcher([file])
    yield watcher
    watcher.close()


def test_a_written_file_is_one_change(file: Path, watcher: Watcher) -> None:
    file.write_text("2")

    assert [watcher.changed(), watcher.changed()] == [True, False]


def test_a_replaced_file_is_a_change(file: Path, watcher: Watcher) -> None:
    (file.parent / "new").write_text("2")
    watcher.changed()

    (file.parent / "new").replace(file)

    assert watcher.changed()


def test_a_created_or_deleted_file_is_a_change(file: Path, watcher: Watcher) -> None:
    file.unlink()
    gone = watcher.changed()
    file.write_text("2")

    assert [gone, watcher.changed()] == [True, True]


def test_other_files_of_the_directory_are_no_change(file: Path, watcher: Watcher) -> None:
    (file.parent / "neighbour").write_text("2")

    assert not watcher.changed()


def test_the_target_of_a_symbolic_link_is_watched(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "etc").mkdir()
    target = tmp_path / "usr/os-release"
    target.write_text("1")
    (tmp_path / "etc/os-release").symlink_to("../usr/os-release")
    watcher = Watcher([tmp_path / "etc/os-release"])

    target.write_text("2")

    assert watcher.changed()
    watcher.close()


def test_every_file_of_a_watched_directory_counts(tmp_path: Path) -> None:
    watcher = Watcher([tmp_path])

    (tmp_path / "modem.json").write_text("{}")

    assert watcher.changed()
    watcher.close()


def test_a_missing_directory_is_not_watched(tmp_path: Path) -> None:
    watcher = Watcher([tmp_path / "nowhere" / "version"])

    assert not watcher.changed()
    watcher.close()


@contextmanager
def as_somebody_else() -> Generator[None]:
    """Be nobody for a moment, where root may enter everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_an_unreadable_directory_stops_no_other_watch(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir(mode=0)
    secret.chmod(0)
    tmp_path.chmod(0o755)
    with as_somebody_else():
        watcher = Watcher([secret / "version"])
    watcher.close()
    watcher = Watcher([tmp_path / ("a" * 300), tmp_path / "a\0b", file])

    file.write_text("2")

    assert watcher.changed()
    watcher.close()


def test_a_created_directory_is_a_change(tmp_path: Path) -> None:
    watcher = Watcher([tmp_path / "versions.d"])

    (tmp_path / "versions.d").mkdir()

    assert watcher.changed()
    watcher.close()


async def test_the_descriptor_wakes_the_event_loop(file: Path, watcher: Watcher) -> None:
    told, descriptor = asyncio.Event(), watcher.fileno()
    assert descriptor is not None
    asyncio.get_running_loop().add_reader(descriptor, told.set)

    await asyncio.to_thread(file.write_text, "2")

    await told.wait()
    asyncio.get_running_loop().remove_reader(descriptor)


def test_close_closes_the_descriptor(file: Path) -> None:
    def open_files() -> int:
        return len([*Path("/proc/self/fd").iterdir()])

    before = open_files()
    for _ in range(10):
        Watcher([file]).close()

    assert open_files() == before


def test_the_files_of_configured_sources_are_watched(tmp_path: Path) -> None:
    sources = [File(component="main", path="/etc/version"), OsRelease()]

    assert paths(sources, tmp_path) == [
        tmp_path / "etc/version",
        tmp_path / "etc/os-release",
        tmp_path / "usr/lib/os-release",
    ]


def test_the_files_of_the_automatic_sources_are_watched(tmp_path: Path) -> None:
    assert tmp_path / "etc/os-release" in paths(None, tmp_path)


@pytest.mark.parametrize("name", _FILES)
def test_files_are_watched_for_types_that_there_are(name: str) -> None:
    assert name in BUILT_IN
