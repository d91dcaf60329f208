"""os-release, of real distributions and of broken ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources import Reading
from firmtrail_agent.sources.builtin.os_release import OsRelease
from tests.agent.sources.support.readings import TREES, read, write


def of_os_release(root: Path, content: str | bytes) -> Reading:
    write(root, "etc/os-release", content)
    return read(OsRelease(), root)


@pytest.mark.parametrize(
    ("tree", "version", "detail"),
    [
        ("debian-12", "12", "etc/os-release VERSION_ID"),
        ("ubuntu-24.04", "24.04", "etc/os-release VERSION_ID"),
        ("poky-5.0", "5.0.5", "etc/os-release VERSION_ID"),
        ("fedora-coreos-40", "40", "usr/lib/os-release VERSION_ID"),
        ("alpine-3.19", "3.19.8", "etc/os-release VERSION_ID"),
        ("arch", "rolling", "etc/os-release BUILD_ID"),
    ],
)
def test_the_version_of_a_distribution_is_read_where_it_stands(tree: str, version: str, detail: str) -> None:
    reading = read(OsRelease(), TREES / tree)

    assert (reading.component, reading.version, reading.error) == ("main", version, None)
    assert reading.detail == f"{TREES / tree}/{detail}"


@pytest.mark.parametrize(
    ("content", "version"),
    [
        ('VERSION_ID="12"\nIMAGE_VERSION=1.4.2\nBUILD_ID=x\n', "1.4.2"),
        ("\ufeffIMAGE_VERSION=1.4.2\r\nVERSION_ID=12\r\n", "1.4.2"),
        ('IMAGE_VERSION=""\nVERSION_ID=12\n', "12"),
        ("VERSION_ID=1\nVERSION_ID=2\n", "2"),
    ],
    ids=["the image before its distribution", "behind a byte order mark", "no empty one", "the last assignment"],
)
def test_one_key_of_several_decides(tmp_path: Path, content: str, version: str) -> None:
    assert of_os_release(tmp_path, content).version == version


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ("1.4.2", "1.4.2"),
        ('"1.4.2"', "1.4.2"),
        ("'1.4.2'", "1.4.2"),
        ('"1.4 \\"beta\\" \\$5 \\`x\\` \\\\"', '1.4 "beta" $5 `x` \\'),
        ('"1.4\\n"', "1.4\\n"),
        ("'1.4\\'", "1.4\\"),
        ("1\\ 4", "1 4"),
        ("1.4.2   ", "1.4.2"),
        ("1.4.2\r", "1.4.2"),
        ('"Größe 3"', "Größe 3"),
        ('"  1.4  "', "1.4"),
    ],
)
def test_a_value_is_unquoted_as_a_shell_does_it(tmp_path: Path, value: str, version: str) -> None:
    assert of_os_release(tmp_path, f"# a comment\n\nVERSION_ID={value}\nID=x\n").version == version


@pytest.mark.parametrize("value", ['"1.4', "'1.4", '"1"."4"', "1 4", "1.4 # why", '"1.4\\"', "1.4\\"])
def test_a_badly_quoted_version_is_an_error_and_no_other_key_stands_in_for_it(tmp_path: Path, value: str) -> None:
    reading = of_os_release(tmp_path, f"IMAGE_VERSION={value}\nVERSION_ID=12\n")

    assert reading.version is None
    assert reading.error == f"IMAGE_VERSION in {tmp_path}/etc/os-release is not quoted as os-release(5) demands"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "names no IMAGE_VERSION, VERSION_ID or BUILD_ID"),
        (b"NAME=x\n", "names no IMAGE_VERSION, VERSION_ID or BUILD_ID"),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x80", "names no IMAGE_VERSION"),
        (b"VERSION_ID=\xe4 1.0", "is not quoted"),
        (b"VERSION_ID='\xe4 1.0'", "is not UTF-8 text"),
        (b"VERSION_ID=1\n" + b"#" * 70_000, "is larger than 65536 bytes"),
        (b"VERSION_ID=" + b"1" * 129, "must have at most 128 characters"),
        (b"VERSION_ID='1\x1b[31m'", "control characters"),
    ],
    ids=["empty", "none", "binary", "bare Latin-1", "Latin-1", "huge", "long", "control"],
)
def test_an_unusable_os_release_is_an_error_and_no_version(tmp_path: Path, content: bytes, error: str) -> None:
    reading = of_os_release(tmp_path, content)

    assert reading.version is None
    assert error in (reading.error or "")


def test_a_broken_file_in_etc_is_not_papered_over_by_the_one_in_usr(tmp_path: Path) -> None:
    write(tmp_path, "usr/lib/os-release", "VERSION_ID=12\n")

    reading = of_os_release(tmp_path, b"\xff")

    assert reading.version is None


def test_a_device_without_os_release_is_told_to_name_another_source(tmp_path: Path) -> None:
    assert "name another source" in (read(OsRelease(), tmp_path).error or "")
