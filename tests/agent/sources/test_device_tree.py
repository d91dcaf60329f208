"""The device tree: texts that end with a NUL, as U-Boot and the firmware of a Raspberry Pi 4 write them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmtrail_agent.sources.builtin.device_tree import DeviceTree
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from tests.agent.sources.support.readings import problem_of, read, write

BASE = "sys/firmware/devicetree/base"
CHOSEN = f"{BASE}/chosen/u-boot,version"


@pytest.mark.parametrize("content", [b"2023.04-dirty\0", b"2023.04-dirty"])
def test_u_boots_version_is_the_boot_loaders(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, CHOSEN, content)

    reading = read(DeviceTree(), tmp_path)

    assert (reading.component, reading.version, reading.detail) == (
        "bootloader",
        "2023.04-dirty",
        f"{tmp_path}/{CHOSEN}",
    )


def test_another_property_can_be_named(tmp_path: Path) -> None:
    write(tmp_path, f"{BASE}/chosen/bootloader/version", b"8ba17717fbcedd4c3b6d4bce7e50c7af4155cba9\0")

    reading = read(DeviceTree(property="/chosen/bootloader/version"), tmp_path)

    assert reading.version == "8ba17717fbcedd4c3b6d4bce7e50c7af4155cba9"


def test_the_older_place_is_looked_at_too(tmp_path: Path) -> None:
    write(tmp_path, "proc/device-tree/chosen/u-boot,version", b"2020.01\0")

    assert read(DeviceTree(), tmp_path).version == "2020.01"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"ti,am642-evm\0ti,am642\0", "is a number or several texts, not one text"),
        (b"\x00\x00\x00\x2a", "is a number or several texts, not one text"),
        (b"\x2a\x00\x00\x00", "is a number or several texts, not one text"),
        (b"\xff\xfe\xfd\xfc", "is not UTF-8 text"),
        (b"\0", "says that there is no version"),
        (b"", "says that there is no version"),
        (b"Default string\0", "says that there is no version"),
        (b"x" * 5000, "is larger than 4096 bytes"),
    ],
)
def test_what_is_not_one_text_is_an_error(tmp_path: Path, content: bytes, error: str) -> None:
    write(tmp_path, CHOSEN, content)

    reading = read(DeviceTree(), tmp_path)

    assert reading.version is None
    assert error in (reading.error or "")


def test_a_node_is_no_property(tmp_path: Path) -> None:
    (tmp_path / BASE / "chosen").mkdir(parents=True)

    assert "is a directory" in (read(DeviceTree(property="/chosen"), tmp_path).error or "")


def test_a_machine_without_device_tree_does_not_have_that_component(tmp_path: Path) -> None:
    (reading,) = read_source(DeviceTree(), tmp_path, required=False)

    assert reading.is_absent


@given(st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_property_holds_there_is_a_version_or_an_error(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, CHOSEN, content)

    try:
        (found,) = DeviceTree().find(tmp_path)
    except (SourceAbsent, SourceFailed):
        return
    assert (
        content.removeprefix(codecs.BOM_UTF8)
        .replace(b"\r\n", b"\n")
        .startswith(found.version.encode(errors="surrogateescape"))
    )


def test_a_property_is_named_by_its_path_in_the_tree(tmp_path: Path) -> None:
    table = '[[sources]]\ntype = "device-tree"\nproperty = "model"'

    assert problem_of(tmp_path, table) == "line 3: property must be an absolute path"
