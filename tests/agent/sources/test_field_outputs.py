"""What programs of real devices print beside the answer, or in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.bootc import Bootc
from firmtrail_agent.sources.builtin.fwupd import Fwupd
from firmtrail_agent.sources.builtin.uboot_env import UbootEnv
from tests.agent.sources.support.readings import FIELD, printing, program, read, versions, write

VARIABLE = UbootEnv(component="main", variable="firmware_version")
DEVICES = (FIELD / "14-fwupd-devices.json").read_text()


def field(name: str) -> str:
    return (FIELD / name).read_text()


@pytest.fixture
def booted(tmp_path: Path) -> Path:
    write(tmp_path, "run/ostree-booted", "")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (field("10-fw-printenv-stdout"), "1.2.3"),
        ("Environment OK, copy 1\nU-Boot 2020.01 (Jan 01 2020)\n", "U-Boot 2020.01 (Jan 01 2020)"),
        ("Environment WRONG, copy 0\r\n1.2.3\r\n", "1.2.3"),
        ("Cannot parse line of config\n1.2.3\n", "1.2.3"),
        ("1.2.3\nUnlocking the flash again\n", "1.2.3"),
        ("1 of 2\n", "1 of 2"),
    ],
)
def test_words_of_fw_printenv_are_no_part_of_the_value(tmp_path: Path, output: str, version: str) -> None:
    printing(tmp_path, "usr/bin/fw_printenv", output)

    assert read(VARIABLE, tmp_path).version == version


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("1.2.3\n1.2.4\n", "several lines"),
        ("some words\nmore words\n", "several lines"),
        ("Environment OK, copy 0\n", "no variable"),
        ("Environment WRONG, copy 0\nCannot read environment, using default\n1.2.3\n", "default"),
    ],
)
def test_a_value_that_is_not_plain_is_an_error(tmp_path: Path, output: str, word: str) -> None:
    printing(tmp_path, "usr/bin/fw_printenv", output)

    assert word in (read(VARIABLE, tmp_path).error or "")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("code", [0, 2])
def test_the_reason_of_fwupd_is_told(tmp_path: Path, indent: int | None, code: int) -> None:
    reason = json.dumps(json.loads(field("15-fwupd-stdout")), indent=indent)
    program(tmp_path, "usr/bin/fwupdmgr", f"print({reason!r}); sys.exit({code})")

    assert "No detected devices" in (read(Fwupd(), tmp_path).error or "")


@pytest.mark.parametrize("output", ["", "{}", '{"Error": 7}', "{", "Failed to connect to daemon\n"])
def test_fwupd_may_fail_without_a_reason_in_json(tmp_path: Path, output: str) -> None:
    program(tmp_path, "usr/bin/fwupdmgr", f"print({output!r}); sys.exit(2)")

    assert "exit code 2" in (read(Fwupd(), tmp_path).error or "")


def test_a_reason_on_stdout_is_told_of_any_program(booted: Path) -> None:
    program(booted, "usr/bin/bootc", "print('ERROR: not root'); sys.exit(1)")

    assert "not root" in (read(Bootc(), booted).error or "")


def test_warnings_before_json_do_not_matter(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", f"WARNING: UEFI firmware can not be updated\n{DEVICES}")

    assert versions(Fwupd(), tmp_path)["system-firmware"] == "0.1.33"


def test_devices_of_one_name_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    printing(tmp_path, "usr/bin/fwupdmgr", DEVICES)

    assert versions(Fwupd(), tmp_path) == {
        "system-firmware": "0.1.33",
        "uefi-device-firmware-587c6425": "0",
        "uefi-device-firmware-f905a7bd": "1",
        "11th-gen-intel-core-i7-1185g7-3.00ghz": "0x000000a6",
        "188dc728af57960ba9943289b8b32546baeac5f5": "92209301",
    }


def test_devices_whose_ids_begin_alike_are_told_apart_by_whole_ids(tmp_path: Path) -> None:
    ids = [f"587c6425{letter * 32}" for letter in "ab"]
    devices = [{"Name": "UEFI Device Firmware", "DeviceId": one, "Version": one[-1]} for one in ids]
    printing(tmp_path, "usr/bin/fwupdmgr", json.dumps({"Devices": devices}))

    assert versions(Fwupd(), tmp_path) == {f"uefi-device-firmware-{one}": one[-1] for one in ids}


@pytest.mark.parametrize("other", ["UEFI  DEVICE firmware", "UEFI Device Firmware"])
def test_the_name_of_one_of_them_does_not_hang_on_the_order(tmp_path: Path, other: str) -> None:
    answer = json.loads(DEVICES.replace('"UEFI Device Firmware"', f'"{other}"', 1))
    answer["Devices"].reverse()
    printing(tmp_path, "usr/bin/fwupdmgr", json.dumps(answer))

    assert {"uefi-device-firmware-587c6425", "uefi-device-firmware-f905a7bd"} <= versions(Fwupd(), tmp_path).keys()


def test_long_names_of_one_beginning_stay_apart(tmp_path: Path) -> None:
    devices = [{"Name": "x" * 80, "DeviceId": f"{number}" * 40, "Version": f"1.{number}"} for number in (1, 2)]
    printing(tmp_path, "usr/bin/fwupdmgr", json.dumps({"Devices": devices}))

    assert sorted(version or "" for version in versions(Fwupd(), tmp_path).values()) == ["1.1", "1.2"]
