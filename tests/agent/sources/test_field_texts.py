"""One rule for all texts: what surrounds a version unseen is no part of it, and a filler is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firmtrail_agent.sources.auto import read_auto
from firmtrail_agent.sources.builtin.command import Command
from firmtrail_agent.sources.builtin.device_tree import DeviceTree
from firmtrail_agent.sources.builtin.dmi import Dmi
from firmtrail_agent.sources.builtin.dpkg import Dpkg
from firmtrail_agent.sources.builtin.drop_directory import DropDirectory
from firmtrail_agent.sources.builtin.file import File
from firmtrail_agent.sources.builtin.mender import Mender
from firmtrail_agent.sources.builtin.os_release import OsRelease
from firmtrail_agent.sources.builtin.rauc import Rauc
from firmtrail_agent.sources.builtin.swupdate import Swupdate
from firmtrail_agent.sources.engine.reading import read_source
from firmtrail_agent.sources.engine.source import Source
from tests.agent.sources.support.readings import FIELD, errors, printing, read, versions, write

BIOS = "sys/class/dmi/id/bios_version"
VERSION_FILE = File(component="main", path="/etc/version")


def of_file(root: Path, content: bytes) -> str | None:
    write(root, "etc/version", content)
    return read(VERSION_FILE, root).version


def field(name: str) -> bytes:
    return (FIELD / name).read_bytes()


def test_a_byte_order_mark_is_no_part_of_a_version(tmp_path: Path) -> None:
    assert of_file(tmp_path, field("05-version")) == "1.4.2"


@pytest.mark.parametrize("line", field("17-versions").splitlines())
def test_blanks_of_any_kind_are_no_part_of_a_version(tmp_path: Path, line: bytes) -> None:
    assert of_file(tmp_path, line) == "1.2"


@pytest.mark.parametrize(
    "content",
    [
        "1.4.2\r\nbuilt by me\r\n".encode("utf-16"),
        "\ufeff1.4.2\n".encode("utf-16-be"),
        b"1.4.2\rbuilt by me\r",
        b"\xef\xbb\xbf\xc2\xa01.4.2\xe2\x80\x8b\n",
        b"1.4.2\0\0\0\0",
        b"1.4.2\r\n\x1a",
        b"1.4.2\x1a",
        b"1.4.2" + b"\xff" * 11,
        b"1.4.2\nbuilt by Sch\xf6ller\n",
    ],
    ids=[
        "UTF-16",
        "UTF-16 big endian",
        "CR",
        "invisible",
        "NUL",
        "DOS",
        "DOS without a line end",
        "erased flash",
        "Latin-1 below",
    ],
)
def test_a_file_of_any_editor_has_a_first_line(tmp_path: Path, content: bytes) -> None:
    assert of_file(tmp_path, content) == "1.4.2"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_json_file_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    write(tmp_path, "etc/version", '{"v": "\u00a01.4.2 "}\r\n'.encode(encoding))

    assert read(File(component="main", path="/etc/version", pointer="/v"), tmp_path).version == "1.4.2"


@pytest.mark.parametrize("pattern", ["^Version: (.*)$", r"^Version: (\S+)$", "Version:(.*)"])
def test_a_pattern_sees_no_line_ends_of_windows(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, "etc/version", b"\xef\xbb\xbfVersion: 1.4.2\r\nName: Sch\xf6n\r\n")

    assert read(File(component="main", path="/etc/version", pattern=pattern), tmp_path).version == "1.4.2"


def test_a_value_of_latin_1_beside_the_version_does_not_matter(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", field("04-os-release"))

    assert read(OsRelease(), tmp_path).version == "19"


def test_a_version_of_latin_1_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", b'ID=x\nVERSION_ID="19 Schr\xf6dinger"\n')

    assert "not UTF-8" in (read(OsRelease(), tmp_path).error or "")


def test_padding_of_a_bios_version_is_no_part_of_it(tmp_path: Path) -> None:
    write(tmp_path, BIOS, field("07-bios-version"))

    assert read(Dmi(), tmp_path).version == "F.23"


@pytest.mark.parametrize(
    "content", [field("06-bios-version"), b"Default string\n", b"System Version\n", b"x.xx \n", b"\xc2\xa0\n"]
)
def test_a_filler_of_the_maker_is_no_bios_version(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, BIOS, content)

    (reading,) = read_source(Dmi(), tmp_path, required=False)

    assert reading.is_absent


def test_a_filler_in_one_key_leaves_the_word_to_the_next(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", 'IMAGE_VERSION="unknown"\nVERSION_ID=@VERSION@\nBUILD_ID=7\n')

    assert read(OsRelease(), tmp_path).version == "7"


def test_a_filler_of_the_boot_loader_is_no_error_of_a_device(tmp_path: Path) -> None:
    write(tmp_path, "etc/os-release", "VERSION_ID=1\n")
    write(tmp_path, "sys/firmware/devicetree/base/chosen/u-boot,version", b"Unknown\0")

    assert {reading.component for reading in read_auto(tmp_path) if reading.error} == set()


def test_a_filler_of_a_helper_is_an_error_of_its_part(tmp_path: Path) -> None:
    write(tmp_path, "run/firmtrail-agent/versions.d/modem.json", '{"modem": "N/A", "fpga": " 7 "}')

    assert versions(DropDirectory(), tmp_path) == {"fpga": "7", "modem": None}
    assert "filler" in errors(DropDirectory(), tmp_path)["modem"]


def tree(root: Path, padding: str) -> None:
    """Give every file a version with something around it."""
    write(root, "etc/mender/artifact_info", f"\ufeffartifact_name={padding}1.2{padding}\r\n")
    write(root, "etc/rauc/system.conf", "\ufeff[system]\r\n")
    write(root, "slot.raucs", f"\ufeff[slot]\r\nbundle.version={padding}1.2{padding}\r\n")
    write(root, "etc/sw-versions", f"\ufeffmain {padding}1.2{padding}\r\n")
    write(
        root,
        "var/lib/dpkg/status",
        f"\ufeffPackage: main\r\nStatus: i ok installed\r\nVersion:{padding}1.2{padding}\r\n",
    )
    write(root, "proc/device-tree/chosen/u-boot,version", f"{padding}1.2{padding}\0\0")
    write(root, "run/firmtrail-agent/versions.d/main.json", "\ufeff" + json.dumps({"main": f"{padding}1.2{padding}"}))
    printing(root, "usr/bin/tell", f"\ufeff{padding}1.2{padding}\r\n")


@pytest.mark.parametrize("padding", [" ", "\u00a0", "\u200b", "\u2003\t", "\ufeff", "\u200e"])
@pytest.mark.parametrize(
    "source",
    [
        Mender(),
        Rauc(ask="files"),
        Swupdate(),
        Dpkg(component="main", package="main"),
        DeviceTree(component="main"),
        DropDirectory(),
        Command(component="main", argv=["/usr/bin/tell"]),
    ],
    ids=lambda source: source.type,
)
def test_every_source_takes_a_version_without_what_surrounds_it(tmp_path: Path, source: Source, padding: str) -> None:
    tree(tmp_path, padding)

    assert versions(source, tmp_path) == {"main": "1.2"}
