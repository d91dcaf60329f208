"""The running kernel."""

from __future__ import annotations

import os
from pathlib import Path

from firmtrail_agent.sources.builtin.kernel import Kernel
from tests.agent.sources.support.readings import TREES, read, write


def test_the_kernel_is_the_running_one() -> None:
    assert read(Kernel(), Path("/")).version == os.uname().release


def test_the_kernel_of_a_tree_is_read_there() -> None:
    assert (
        read(Kernel(), TREES / "poky-5.0").version == (TREES / "poky-5.0/proc/sys/kernel/osrelease").read_text().strip()
    )


def test_the_release_of_a_kernel_is_taken_without_its_blanks(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-41-amd64 \n")

    assert read(Kernel(), tmp_path).version == "6.1.0-41-amd64"


def test_a_tree_without_the_release_does_not_get_that_of_this_machine(tmp_path: Path) -> None:
    assert read(Kernel(), tmp_path).version is None
