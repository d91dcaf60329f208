"""ostree: what is booted, and never what is pending. The output is that of 2022.7, with a booted system's marks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from firmtrail_agent.sources.builtin.ostree import Ostree, booted_version
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceFailed
from tests.agent.sources.support.damaged import like
from tests.agent.sources.support.readings import RECORDED, printing, program, read, write

STATUS = (RECORDED / "ostree-2022.7-status.txt").read_text()
BOOTED = "run/ostree-booted"


def test_the_version_of_the_booted_commit_is_taken(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    program(tmp_path, "usr/bin/ostree", f"sys.argv[1:] == ['admin', 'status'] and print({STATUS!r}, end='')")

    reading = read(Ostree(), tmp_path)

    assert (reading.component, reading.version, reading.detail) == ("main", "1.4.1", "ostree admin status")


def test_a_device_that_merely_has_the_tool_is_another_device(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/ostree", STATUS)

    (reading,) = read_source(Ostree(), tmp_path, required=False)

    assert reading.is_absent
    assert reading.detail == f"there is no {tmp_path}/{BOOTED}"


def test_what_cannot_be_looked_for_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / BOOTED).symlink_to("ostree-booted")

    assert "Too many levels of symbolic links" in (read(Ostree(), tmp_path).error or "")


def test_a_device_without_the_tool_is_told_so(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")

    assert read(Ostree(), tmp_path).error == "there is no program ostree"


def test_a_tool_that_fails_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, BOOTED, "")
    program(tmp_path, "usr/bin/ostree", "sys.stderr.write('error: loading sysroot\\n'); sys.exit(1)")

    assert (read(Ostree(), tmp_path).error or "").endswith("failed with exit code 1: error: loading sysroot")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (STATUS.replace("    origin", "    Pinned: yes\n    origin"), "1.4.1"),
        (STATUS.replace("    Version: 1.4.1", "    Unlocked: development\n    Version: 1.4.1"), "1.4.1"),
        ("* os 26f0a5.0\n    Version: 40.20240808.3.0 beta\n", "40.20240808.3.0 beta"),
    ],
)
def test_what_else_is_told_of_a_commit_is_passed_over(output: str, version: str) -> None:
    assert booted_version(output) == version


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (STATUS.replace("* ", "  "), "marks 0 deployments as booted"),
        (STATUS.replace("  gateway", "* gateway"), "marks 2 deployments as booted"),
        (STATUS.replace("    Version: 1.4.1\n", ""), "the booted commit has no version"),
        ("No deployments.\n", "marks 0 deployments as booted"),
        ("", "marks 0 deployments as booted"),
    ],
)
def test_a_status_that_does_not_tell_what_is_booted_is_an_error(output: str, error: str) -> None:
    with pytest.raises(SourceFailed, match=error):
        booted_version(output)


@given(like(STATUS))
@settings(deadline=None)
def test_whatever_it_prints_there_is_a_version_or_an_error(output: str) -> None:
    try:
        version = booted_version(output)
    except SourceFailed:
        return
    assert version in output
