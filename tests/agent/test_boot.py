"""Which boot it is: the kernel's id, and a number that grows with every boot."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from firmtrail_agent.system.boot import VARIABLE, number_boot, read_boot_id
from tests.agent.support.observations import reading

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)


def test_boots_are_numbered_in_their_order_and_a_restart_of_the_agent_is_no_boot(tmp_path: Path) -> None:
    boots = [number_boot(boot_id, tmp_path) for boot_id in (ONE, ONE, TWO, TWO)]

    assert [(boot.sequence, boot.is_new) for boot in boots] == [(1, True), (1, False), (2, True), (2, False)]


@pytest.mark.parametrize("content", ["", "{}", "00000000\n", "not json", '00000000\n{"boot_id": 3}'])
def test_a_damaged_number_begins_anew(tmp_path: Path, content: str) -> None:
    number_boot(ONE, tmp_path)
    (tmp_path / "boot.json").write_text(content)

    boot = number_boot(TWO, tmp_path)

    assert (boot.sequence, boot.is_new) == (1, True)


def test_a_lost_number_is_found_again_in_what_waits_to_be_sent(tmp_path: Path) -> None:
    assert number_boot(uuid.UUID(int=8), tmp_path, observed=reading(0, boot=7)).sequence == 8


def test_a_boot_that_has_observed_something_is_not_new_though_its_number_is_lost(tmp_path: Path) -> None:
    boot = number_boot(uuid.UUID(int=7), tmp_path, observed=reading(0, boot=7))

    assert (boot.sequence, boot.is_new) == (7, False)


def test_where_nothing_can_be_stored_a_boot_has_a_number_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    boot = number_boot(ONE, tmp_path / "file")

    assert (boot.sequence, boot.is_new) == (1, True)


def test_the_kernel_names_the_boot(tmp_path: Path) -> None:
    file = tmp_path / "proc/sys/kernel/random/boot_id"
    file.parent.mkdir(parents=True)
    file.write_text(f"{ONE}\n")

    assert read_boot_id({}, tmp_path) == ONE


def test_systemd_names_it_where_the_sandbox_hides_the_kernels_file(tmp_path: Path) -> None:
    assert read_boot_id({VARIABLE: ONE.hex}, tmp_path) == ONE


def test_a_variable_that_says_nothing_does_not_hide_what_the_kernel_says(tmp_path: Path) -> None:
    file = tmp_path / "proc/sys/kernel/random/boot_id"
    file.parent.mkdir(parents=True)
    file.write_text(f"{ONE}\n")

    assert read_boot_id({VARIABLE: "%b"}, tmp_path) == ONE


@pytest.mark.parametrize("content", [None, "", "not an id\n", "\udcff"])
def test_a_boot_that_nobody_names_is_unknown(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        file = tmp_path / "proc/sys/kernel/random/boot_id"
        file.parent.mkdir(parents=True)
        file.write_bytes(content.encode(errors="surrogateescape"))

    assert read_boot_id({}, tmp_path) is None


def test_an_unknown_boot_is_never_taken_for_one_before(tmp_path: Path) -> None:
    boots = [number_boot(boot_id, tmp_path) for boot_id in (None, None, ONE, None)]

    assert [(boot.sequence, boot.is_new, boot.is_told) for boot in boots] == [
        (1, True, False),
        (2, True, False),
        (3, True, True),
        (4, True, False),
    ]
    assert len({boot.boot_id for boot in boots}) == 4


def test_in_an_unknown_boot_who_only_looks_goes_by_the_agent_that_runs(tmp_path: Path) -> None:
    running = number_boot(None, tmp_path)

    looking = number_boot(None, tmp_path, store=False)

    assert (looking.boot_id, looking.sequence) == (running.boot_id, running.sequence)
