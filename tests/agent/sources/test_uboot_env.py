"""U-Boot's environment: files made by mkenvimage of u-boot-tools 2023.01, damaged ones, and what fw_printenv says."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources.builtin.uboot_env import UbootEnv
from firmtrail_agent.sources.engine.source import SourceFailed
from tests.agent.sources.support.readings import RECORDED, printing, problem_of, program, read, write

PLAIN = (RECORDED / "uboot-plain.env").read_bytes()
REDUNDANT = (RECORDED / "uboot-redundant.env").read_bytes()
BIG_ENDIAN = (RECORDED / "uboot-big-endian.env").read_bytes()
FIRST, SECOND = "boot/uboot.env", "boot/uboot-redund.env"
FROM_FILE = UbootEnv(component="main", variable="firmware_version", path=f"/{FIRST}")
FROM_FILES = UbootEnv(component="main", variable="firmware_version", path=f"/{FIRST}", redundant_path=f"/{SECOND}")
PRINTED = UbootEnv(component="main", variable="firmware_version")
TABLE = '[[sources]]\ntype = "uboot-env"\ncomponent = "main"\n'


def copy(version: str, flag: int | None = None) -> bytes:
    """Make an environment by hand."""
    data = f"bootdelay=2\0firmware_version={version}\0\0".encode().ljust(64, b"\0")
    return zlib.crc32(data).to_bytes(4, "little") + (b"" if flag is None else bytes([flag])) + data


def damaged(content: bytes) -> bytes:
    return content[:20] + b"X" + content[21:]


@pytest.mark.parametrize("content", [PLAIN, BIG_ENDIAN], ids=["plain", "big-endian"])
def test_a_variable_is_found_in_the_file_of_the_environment(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, FIRST, content)

    reading = read(FROM_FILE, tmp_path)

    assert (reading.version, reading.detail) == ("1.4.2", f"{tmp_path}/{FIRST}")


def test_a_variable_is_found_in_the_files_of_a_redundant_environment(tmp_path: Path) -> None:
    write(tmp_path, FIRST, REDUNDANT)
    write(tmp_path, SECOND, copy("0.9", 0))

    reading = read(FROM_FILES, tmp_path)

    assert (reading.version, reading.detail) == ("1.4.2", f"{tmp_path}/{FIRST}")


def test_one_of_two_copies_alone_gives_no_version_since_the_other_may_be_newer(tmp_path: Path) -> None:
    write(tmp_path, FIRST, REDUNDANT)

    assert read(FROM_FILE, tmp_path).error == (
        f"{tmp_path}/{FIRST} is one of two copies, maybe the older one: set redundant_path to the other"
    )


def test_a_value_may_hold_blanks_and_equals_signs(tmp_path: Path) -> None:
    write(tmp_path, FIRST, copy("1 = 1"))

    assert read(FROM_FILE, tmp_path).version == "1 = 1"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (damaged(PLAIN), "its checksum is wrong"),
        (PLAIN[:-1], "its checksum is wrong"),
        (b"", "its checksum is wrong"),
        (b"\0\0\0\0", "its checksum is wrong"),
        (b"\xff" * 1024, "its checksum is wrong"),
        (b"firmware_version=1.4.2\n", "its checksum is wrong"),
        (b"\0" * ((1 << 20) + 1), "is larger than 1048576 bytes"),
    ],
)
def test_a_damaged_file_gives_no_version(tmp_path: Path, content: bytes, error: str) -> None:
    write(tmp_path, FIRST, content)

    reading = read(FROM_FILE, tmp_path)

    assert reading.version is None
    assert error in (reading.error or "")


@pytest.mark.parametrize("variable", ["firmware", "version", "bootdelay2"])
def test_a_variable_that_is_not_set_is_an_error(tmp_path: Path, variable: str) -> None:
    write(tmp_path, FIRST, PLAIN)

    reading = read(UbootEnv(component="x", variable=variable, path=f"/{FIRST}"), tmp_path)

    assert reading.error == f"the environment has no variable {variable}"


@pytest.mark.parametrize(
    ("first", "second", "version"),
    [(1, 2, "new"), (2, 1, "old"), (0, 255, "old"), (255, 0, "new"), (254, 255, "new"), (7, 7, "old")],
)
def test_of_two_copies_the_one_counts_that_u_boot_takes(tmp_path: Path, first: int, second: int, version: str) -> None:
    write(tmp_path, FIRST, copy("old", first))
    write(tmp_path, SECOND, copy("new", second))

    assert read(FROM_FILES, tmp_path).version == version


def test_a_damaged_copy_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, FIRST, damaged(copy("new", 9)))
    write(tmp_path, SECOND, copy("old", 8))

    assert read(FROM_FILES, tmp_path).version == "old"


def test_a_missing_copy_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, FIRST, copy("old", 8))

    assert read(FROM_FILES, tmp_path).version == "old"


def test_a_copy_that_cannot_be_read_may_be_the_newer_one(tmp_path: Path) -> None:
    write(tmp_path, FIRST, copy("old", 8))
    (tmp_path / SECOND).mkdir()

    assert read(FROM_FILES, tmp_path).error == f"{tmp_path}/{SECOND} is a directory, not a regular file"


def test_two_damaged_copies_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, FIRST, damaged(copy("1", 1)))
    write(tmp_path, SECOND, damaged(copy("2", 2)))

    assert "its checksum is wrong" in (read(FROM_FILES, tmp_path).error or "")


def test_files_that_are_no_copies_of_each_other_are_an_error(tmp_path: Path) -> None:
    write(tmp_path, FIRST, copy("1"))
    write(tmp_path, SECOND, copy("2"))

    assert "is no copy of a redundant environment" in (read(FROM_FILES, tmp_path).error or "")


def test_a_device_without_the_file_is_told_so(tmp_path: Path) -> None:
    assert read(FROM_FILES, tmp_path).error == f"there is no {tmp_path}/{FIRST}"


def test_without_a_file_fw_printenv_is_run(tmp_path: Path) -> None:
    program(tmp_path, "usr/bin/fw_printenv", "sys.argv[1:] == ['-n', 'firmware_version'] and print('1.4.2')")

    reading = read(PRINTED, tmp_path)

    assert (reading.version, reading.detail) == ("1.4.2", f"{tmp_path}/usr/bin/fw_printenv -n firmware_version")


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("firmware_version=1.4.2", "1.4.2"),
        ("Environment OK, copy 1\nfirmware_version=1.4.2", "1.4.2"),
        ("version=1.4.2", "version=1.4.2"),
        ("1.4.2=firmware_version=", "1.4.2=firmware_version="),
    ],
)
def test_the_name_that_fw_printenv_prints_in_spite_of_n_is_no_part_of_the_value(
    tmp_path: Path, printed: str, version: str
) -> None:
    printing(tmp_path, "usr/bin/fw_printenv", f"{printed}\n")

    assert read(PRINTED, tmp_path).version == version


@pytest.mark.parametrize(
    "warning", ["Warning: Bad CRC, using default environment", "Cannot read environment, using default"]
)
def test_a_default_environment_is_not_what_is_there(tmp_path: Path, warning: str) -> None:
    program(tmp_path, "usr/bin/fw_printenv", f"sys.stderr.write({warning!r}); print('1.0.0')")

    reading = read(PRINTED, tmp_path)

    assert reading.version is None
    assert (reading.error or "").endswith(f"does not print what is there: {warning}")


def test_fw_printenv_may_know_no_such_variable(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fw_printenv", "\n")  # libubootenv ends with exit code 0 then

    assert read(PRINTED, tmp_path).error == "the environment has no variable firmware_version"


def test_fw_printenv_may_fail(tmp_path: Path) -> None:
    program(
        tmp_path, "usr/bin/fw_printenv", "sys.stderr.write('Cannot open /dev/mtd1: Permission denied'); sys.exit(1)"
    )

    assert (read(PRINTED, tmp_path).error or "").endswith("exit code 1: Cannot open /dev/mtd1: Permission denied")


def test_a_device_without_fw_printenv_is_told_so(tmp_path: Path) -> None:
    assert read(PRINTED, tmp_path).error == "there is no program fw_printenv"


@given(st.binary(max_size=100), st.sampled_from([None, 0]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_an_environment_holds_there_is_a_version_or_an_error(
    tmp_path: Path, data: bytes, flag: int | None
) -> None:
    checksum = zlib.crc32(data).to_bytes(4, "little")
    write(tmp_path, FIRST, checksum + (b"" if flag is None else bytes([flag])) + data)

    try:
        (found,) = FROM_FILE.find(tmp_path)
    except SourceFailed:
        return
    assert found.version.encode() in data


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "line 1: a source of type uboot-env needs variable"),
        ("variable = 'a=b'", "line 4: variable must be the name of a variable, without '=' and blanks"),
        ("variable = 'a'\nredundant_path = '/x'", "line 1: a source of type uboot-env must have path where it has"),
    ],
)
def test_a_mistake_in_its_table_is_named(tmp_path: Path, keys: str, problem: str) -> None:
    assert problem_of(tmp_path, TABLE + keys).startswith(problem)
