"""The BIOS version."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmtrail_agent.sources.builtin.dmi import Dmi
from firmtrail_agent.sources.engine.reading import read_source
from tests.agent.sources.support.readings import TREES, read, write


def test_the_bios_version_keeps_its_blanks() -> None:
    assert read(Dmi(), TREES / "debian-12").version == "N32ET97W (1.73 )"


@pytest.mark.parametrize("content", [None, "\n", "   \n"])
def test_a_machine_without_bios_version_does_not_have_that_component(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        write(tmp_path, "sys/class/dmi/id/bios_version", content)

    (bios,) = read_source(Dmi(), tmp_path, required=False)

    assert bios.is_absent


def test_a_bios_version_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    assert read(Dmi(component="uefi"), tmp_path).error == f"there is no {tmp_path}/sys/class/dmi/id/bios_version"
