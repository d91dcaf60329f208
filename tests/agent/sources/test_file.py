"""A configured file: its first line, a value of its JSON, or what a pattern finds; and all that can be in its place."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources import Reading
from firmtrail_agent.sources.builtin.file import File
from firmtrail_agent.sources.engine.source import SourceFailed
from firmtrail_agent.sources.support.files import as_text
from tests.agent.sources.support.readings import problem_of, read, write

VERSION_FILE = File(component="main", path="/etc/version")
TABLE = '[[sources]]\ntype = "file"\ncomponent = "main"\npath = "/etc/version"\n'


def with_pointer(root: Path, content: str, pointer: str) -> Reading:
    write(root, "etc/version", content)
    return read(File(component="main", path="/etc/version", pointer=pointer), root)


def with_pattern(root: Path, content: str, pattern: str) -> Reading:
    write(root, "etc/version", content)
    return read(File(component="main", path="/etc/version", pattern=pattern), root)


def test_it_gives_its_first_line_without_blanks(tmp_path: Path) -> None:
    write(tmp_path, "etc/version", "  1.4.2\t\r\nbuilt on Monday\n")

    assert read(VERSION_FILE, tmp_path).version == "1.4.2"


@pytest.mark.parametrize("content", ["", "\n", "  \n1.4.2\n"])
def test_an_empty_first_line_is_an_error(tmp_path: Path, content: str) -> None:
    write(tmp_path, "etc/version", content)

    assert read(VERSION_FILE, tmp_path).error == f"the first line of {tmp_path}/etc/version is empty"


def test_more_than_4_kib_are_not_read(tmp_path: Path) -> None:
    with write(tmp_path, "etc/version", "1.4.2\n").open("r+b") as file:
        file.truncate(1 << 40)

    assert "is larger than 4096 bytes" in (read(VERSION_FILE, tmp_path).error or "")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert read(VERSION_FILE, tmp_path).error == f"there is no {tmp_path}/etc/version"


def test_a_version_is_read_again_each_time_and_an_old_one_is_never_repeated(tmp_path: Path) -> None:
    file = write(tmp_path, "etc/version", "1.4.2\n")
    assert read(VERSION_FILE, tmp_path).version == "1.4.2"

    file.unlink()

    assert read(VERSION_FILE, tmp_path).version is None


def test_a_directory_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc/version").mkdir(parents=True)

    assert read(VERSION_FILE, tmp_path).error == f"{tmp_path}/etc/version is a directory, not a regular file"


def test_a_pipe_in_its_place_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/version")

    assert read(VERSION_FILE, tmp_path).error == f"{tmp_path}/etc/version is a named pipe, not a regular file"


def test_a_socket_in_its_place_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    monkeypatch.chdir(tmp_path)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("etc/version")

        assert read(VERSION_FILE, tmp_path).error == f"{tmp_path}/etc/version is a socket, not a regular file"


def test_a_device_in_its_place_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "version").symlink_to("/dev/zero")

    assert "is a device" in (read(File(component="main", path=f"{tmp_path}/version"), Path("/")).error or "")


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/version").symlink_to("version")

    assert "Too many levels of symbolic links" in (read(VERSION_FILE, tmp_path).error or "")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that nobody can read is Linux's")
def test_a_file_whose_disk_fails_is_an_error(tmp_path: Path) -> None:
    mem = File(component="main", path="/proc/self/mem")

    assert "Input/output error" in (read(mem, Path("/")).error or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "etc/version", "1").chmod(0)

    assert "Permission denied" in (read(VERSION_FILE, tmp_path).error or "")


@pytest.mark.parametrize(
    ("content", "pointer", "version"),
    [
        ('{"image": {"version": "1.4.2"}}', "/image/version", "1.4.2"),
        ('{"slots": [{"v": "1"}, {"v": "2"}]}', "/slots/1/v", "2"),
        ('["1.4.2"]', "/0", "1.4.2"),
        ('{"a/b": {"~": "3"}}', "/a~1b/~0", "3"),
        ('{"": "4"}', "/", "4"),
        ('{"v": 1.10}', "/v", "1.10"),
        ('{"v": 20240501}', "/v", "20240501"),
        ('{"v": " 1 "}', "/v", "1"),
    ],
)
def test_a_pointer_leads_to_a_value_of_a_json_file(tmp_path: Path, content: str, pointer: str, version: str) -> None:
    assert with_pointer(tmp_path, content, pointer).version == version


@pytest.mark.parametrize(
    ("content", "pointer", "error"),
    [
        ('{"image": {}}', "/image/version", "has nothing at /image/version"),
        ('{"image": "1"}', "/image/version", "has nothing at /image/version"),
        ('{"v": null}', "/v", "has nothing at /v"),
        ('["1"]', "/1", "has nothing at /1"),
        ('["1"]', "/-1", "has nothing at /-1"),
        ('["1"]', "/" + "9" * 5000, "has nothing at /9999"),
        ('["1"]', "/²", "has nothing at /²"),
        ('{"v": {}}', "/v", "has no text at /v, but an object"),
        ('{"v": ["1"]}', "/v", "has no text at /v, but a list"),
        ('{"v": true}', "/v", "has no text at /v, but true or false"),
        ('{"v": ""}', "/v", "is empty"),
        ('{"v": "\\ud800"}', "/v", "is not UTF-8 text"),
        ('{"v": NaN}', "/v", "is not JSON: NaN is no number"),
        ('{"v": "1", "v": "2"}', "/v", "is not JSON: a key of an object stands there twice"),
        ('{"v": "1"', "/v", "is not JSON: Expecting ',' delimiter"),
        ("1.4.2", "/v", "is not JSON: Extra data"),
        ("", "/v", "is not JSON: Expecting value"),
        ("[" * 60_000, "/v", "is nested too deeply"),
    ],
)
def test_where_a_pointer_does_not_lead_to_a_version_there_is_none(
    tmp_path: Path, content: str, pointer: str, error: str
) -> None:
    reading = with_pointer(tmp_path, content, pointer)

    assert reading.version is None
    assert error in (reading.error or "")


@pytest.mark.parametrize(
    ("pattern", "version"),
    [
        (r"^BUILD=(\S+)$", "1.4.2-rc1"),
        (r"(?P<name>n)=(?P<version>\d+)", "7"),
        (r"\d+\.\d+", "1.4"),
        (r"tail: (\d)?x(\d)?", None),
        (r"größe (\w+)", "drei"),
    ],
)
def test_a_pattern_finds_the_group_version_or_the_first_group_or_all(
    tmp_path: Path, pattern: str, version: str | None
) -> None:
    assert with_pattern(tmp_path, "# build\nBUILD=1.4.2-rc1\nn=7\ntail: x\ngröße drei", pattern).version == version


def test_a_pattern_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    reading = with_pattern(tmp_path, "1.4.2", "version: (.*)")

    assert reading.error == f"nothing in {tmp_path}/etc/version matches the pattern"


def test_a_pattern_that_would_take_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmtrail_agent.sources.support.extraction.SEARCH_SECONDS", 0.2)

    reading = with_pattern(tmp_path, "a" * 5000, "(a+)+$x")

    assert reading.version is None
    assert "the pattern cannot be searched in" in (reading.error or "")


def test_a_file_of_64_kib_can_be_searched(tmp_path: Path) -> None:
    assert with_pattern(tmp_path, "#" * (64 * 1024 - 3) + "v=1", "v=(.)").version == "1"


@given(content=st.binary(max_size=300), pointer=st.sampled_from([None, "/v", "/0"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_file_holds_there_is_a_version_or_an_error(
    tmp_path: Path, content: bytes, pointer: str | None
) -> None:
    write(tmp_path, "etc/version", content)

    try:
        (found,) = File(component="main", path="/etc/version", pointer=pointer).find(tmp_path)
    except SourceFailed:
        return
    assert found.version in as_text(content).replace("\r", "\n") or pointer


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('pointer = "image.version"', 'line 5: pointer must be a JSON Pointer such as "/image/version"'),
        ('pointer = "/a~2"', "line 5: pointer must be a JSON Pointer"),
        ("pointer = 3", "line 5: pointer must be a JSON Pointer"),
        ("pattern = '('", "line 5: pattern must be a regular expression"),
        ("pattern = ''", "line 5: pattern must be a regular expression"),
        ("patern = 'x'", "line 5: a source of type file has no setting patern; did you mean pattern?"),
        ("pattern = 'x'\npointer = '/x'", "line 1: a source of type file must not have both pointer and pattern"),
    ],
)
def test_a_mistake_in_its_table_is_named(tmp_path: Path, keys: str, problem: str) -> None:
    assert problem_of(tmp_path, TABLE + keys).startswith(problem)
