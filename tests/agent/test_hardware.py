"""What a device is recognised by, and the fillers that many devices share."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.system import hardware
from tests.agent.sources.support.readings import FIELD, write

UUID = "sys/class/dmi/id/product_uuid"
SERIAL = "proc/device-tree/serial-number"
MACHINE_ID = "etc/machine-id"
BOARD = "4c4c4544-0042-3010-8054-b4c04f4b4a31"


def field(name: str) -> bytes:
    return (FIELD / name).read_bytes()


def test_a_board_uuid_that_is_shared_is_no_identity(tmp_path: Path) -> None:
    write(tmp_path, UUID, field("11-product_uuid"))
    write(tmp_path, SERIAL, field("11-serial-number"))
    write(tmp_path, MACHINE_ID, field("11-machine-id"))

    assert hardware.fingerprint(tmp_path) is None


@pytest.mark.parametrize(
    "serial", ["To be filled by O.E.M.\0", "Default string\0", "0123456789\0", "SN-12345", "None \0"]
)
def test_a_filler_serial_leaves_the_word_to_the_next_place(tmp_path: Path, serial: str) -> None:
    write(tmp_path, SERIAL, serial)
    write(tmp_path, UUID, f"{BOARD}\n")

    assert hardware.fingerprint(tmp_path) == BOARD


@pytest.mark.parametrize(
    "uuid", ["03000200-0400-0500-0006-000700080009", "03020100-0504-0706-0809-0A0B0C0D0E0F", "N/A"]
)
def test_a_filler_uuid_leaves_the_word_to_the_installation(tmp_path: Path, uuid: str) -> None:
    write(tmp_path, UUID, f"{uuid}\n")
    write(tmp_path, MACHINE_ID, "6f1d1a9b0c4e4a2e8b5f3d7c9e1a2b4c\n")

    assert (hardware.fingerprint(tmp_path) or "").startswith("machine-")


@pytest.mark.parametrize(
    "content", ["uninitialized\n", "", "\n", "0" * 32, "first-boot", "localhost", "0123456789abcdef" * 2]
)
def test_a_machine_id_that_is_not_set_is_no_identity(tmp_path: Path, content: str) -> None:
    write(tmp_path, MACHINE_ID, content)

    assert hardware.fingerprint(tmp_path) is None


@pytest.mark.parametrize("content", ["10000000abcdef42\0", " 10000000abcdef42\r\n", "10000000abcdef42\0\0\0"])
def test_padding_is_no_part_of_a_serial_number(tmp_path: Path, content: str) -> None:
    write(tmp_path, SERIAL, content)

    assert hardware.fingerprint(tmp_path) == "10000000abcdef42"
