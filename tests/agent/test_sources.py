"""Sources, on what real devices have and on what broken ones have."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmtrail_agent.sources import Reading, Source, read_all
from firmtrail_agent.sources.dmi import Dmi
from firmtrail_agent.sources.file import File
from firmtrail_agent.sources.kernel import Kernel
from firmtrail_agent.sources.os_release import OsRelease

TREES = Path(__file__).parent / "trees"
VERSION_FILE = File(component="main", path="/etc/version")


def read(source: Source, root: Path) -> Reading:
    (reading,) = read_all([source], root)
    return reading


def write(root: Path, path: str, content: str | bytes) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


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


def test_the_version_of_an_image_comes_before_that_of_its_distribution(tmp_path: Path) -> None:
    assert of_os_release(tmp_path, 'VERSION_ID="12"\nIMAGE_VERSION=1.4.2\nBUILD_ID=x\n').version == "1.4.2"


def test_an_empty_image_version_is_none(tmp_path: Path) -> None:
    assert of_os_release(tmp_path, 'IMAGE_VERSION=""\nVERSION_ID=12\n').version == "12"


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
        ('"  1.4  "', "  1.4  "),
    ],
)
def test_a_value_is_unquoted_as_a_shell_does_it(tmp_path: Path, value: str, version: str) -> None:
    assert of_os_release(tmp_path, f"# a comment\n\nVERSION_ID={value}\nID=x\n").version == version


def test_the_last_assignment_counts(tmp_path: Path) -> None:
    assert of_os_release(tmp_path, "VERSION_ID=1\nVERSION_ID=2\n").version == "2"


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
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x80", "is not UTF-8 text"),
        (b"VERSION_ID=1\n" + b"#" * 70_000, "is larger than 65536 bytes"),
        (b"VERSION_ID=" + b"1" * 129, "must have at most 128 characters"),
        (b"VERSION_ID='1\x1b[31m'", "must hold no control characters"),
    ],
    ids=["empty", "none", "binary", "huge", "long", "control"],
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
    (main, *_) = read_all(None, tmp_path)

    assert main.version is None
    assert "name another source" in (main.error or "")


def test_a_directory_in_the_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc/version").mkdir(parents=True)

    assert read(VERSION_FILE, tmp_path).error == f"{tmp_path}/etc/version is not a regular file"


def test_a_pipe_in_the_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc/version")

    assert read(VERSION_FILE, tmp_path).error == f"{tmp_path}/etc/version is not a regular file"


def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/version").symlink_to("version")

    assert "Too many levels of symbolic links" in (read(VERSION_FILE, tmp_path).error or "")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that nobody can read is Linux's")
def test_a_file_whose_disk_fails_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/version").symlink_to("/proc/self/mem")

    assert "Input/output error" in (read(VERSION_FILE, tmp_path).error or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "etc/version", "1").chmod(0)

    assert "Permission denied" in (read(VERSION_FILE, tmp_path).error or "")


def test_a_configured_file_gives_its_first_line_without_blanks(tmp_path: Path) -> None:
    write(tmp_path, "etc/version", "  1.4.2\t\r\nbuilt on Monday\n")

    assert read(VERSION_FILE, tmp_path).version == "1.4.2"


@pytest.mark.parametrize("content", ["", "\n", "  \n1.4.2\n"])
def test_a_configured_file_with_an_empty_first_line_is_an_error(tmp_path: Path, content: str) -> None:
    write(tmp_path, "etc/version", content)

    assert "the first line of" in (read(VERSION_FILE, tmp_path).error or "")


def test_a_configured_file_of_more_than_4_kib_is_not_read(tmp_path: Path) -> None:
    with write(tmp_path, "etc/version", "1.4.2\n").open("r+b") as file:
        file.truncate(1 << 40)

    assert "is larger than 4096 bytes" in (read(VERSION_FILE, tmp_path).error or "")


def test_a_configured_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert read(VERSION_FILE, tmp_path).error == f"there is no {tmp_path}/etc/version"


def test_a_version_is_read_again_each_time_and_an_old_one_is_never_repeated(tmp_path: Path) -> None:
    file = write(tmp_path, "etc/version", "1.4.2\n")
    assert read(VERSION_FILE, tmp_path).version == "1.4.2"

    file.unlink()

    assert read(VERSION_FILE, tmp_path).version is None


def test_the_kernel_is_the_running_one() -> None:
    assert read(Kernel(), Path("/")).version == os.uname().release


def test_the_release_of_a_kernel_is_taken_raw(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-41-amd64 \n")

    assert read(Kernel(), tmp_path).version == "6.1.0-41-amd64 "


def test_the_bios_version_keeps_its_blanks(tmp_path: Path) -> None:
    assert read(Dmi(), TREES / "debian-12").version == "N32ET97W (1.73 )"


@pytest.mark.parametrize("content", [None, "\n", "   \n"])
def test_a_machine_without_bios_version_does_not_have_that_component(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        write(tmp_path, "sys/class/dmi/id/bios_version", content)

    *_, bios = read_all(None, tmp_path)

    assert bios.is_absent


def test_a_bios_version_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    assert read(Dmi(component="uefi"), tmp_path).error == f"there is no {tmp_path}/sys/class/dmi/id/bios_version"


def test_the_automatic_sources_give_all_that_a_device_has() -> None:
    readings = read_all(None, TREES / "debian-12")

    assert {reading.component: reading.version for reading in readings} == {
        "main": "12",
        "kernel": "6.1.0-41-amd64",
        "bios": "N32ET97W (1.73 )",
    }
