"""Small files on a disk to which somebody else may have access."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from firmtrail_agent.system import atomic_file

PLANTED: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda file, victim: file.symlink_to(victim),
    "a second name": lambda file, victim: file.hardlink_to(victim),
    "a pipe": lambda file, _: os.mkfifo(file),
    "a file": lambda file, _: file.write_text("x" * 10_000),
}


@pytest.mark.parametrize("name", [".tmp", ".room"])
@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_no_planted_temporary_file_is_written_into(
    tmp_path: Path, plant: Callable[[Path, Path], object], name: str
) -> None:
    victim, directory = tmp_path / "victim", tmp_path / "state"
    victim.write_text("mine")
    directory.mkdir()
    plant(directory / name, victim)

    atomic_file.write(directory / "file", "content")

    assert (atomic_file.read(directory / "file"), victim.read_text()) == ("content", "mine")


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_space_is_reserved_in_a_new_file(tmp_path: Path, plant: Callable[[Path, Path], object]) -> None:
    victim, directory = tmp_path / "victim", tmp_path / "state"
    victim.write_text("mine")
    directory.mkdir()
    plant(directory / ".room", victim)

    atomic_file.make_room(directory, 4096)
    atomic_file.write(directory / "file", "content")

    assert (atomic_file.read(directory / "file"), victim.read_text()) == ("content", "mine")
    assert [file.name for file in directory.iterdir()] == ["file"]


def test_a_temporary_file_that_is_open_elsewhere_is_not_reused(tmp_path: Path) -> None:
    with (tmp_path / ".tmp").open("w+b") as theirs:
        atomic_file.write(tmp_path / "file", "content")

        assert theirs.read() == b""


def test_write_uses_the_reserved_space(tmp_path: Path) -> None:
    atomic_file.make_room(tmp_path, 4096)
    room = (tmp_path / ".room").stat().st_ino

    atomic_file.write(tmp_path / "file", "content")

    assert (tmp_path / "file").stat().st_ino == room
