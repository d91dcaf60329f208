"""From the names of a source's parts to the names of components."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_agent.sources.engine.naming import component_name
from firmtrail_agent.validation import values


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("modem", "modem"),
        ("System Firmware", "system-firmware"),
        ("UEFI dbx", "uefi-dbx"),
        ("Intel(R) ME (v11)", "intel-r-me-v11"),
        ("rootfs_a.bin", "rootfs_a.bin"),
        ("-.x", "x"),
        ("a" * 63 + " b", "a" * 63),
        ("größe", "gr-e"),
        ("時計", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_name_becomes_that_of_a_component(name: str, component: str) -> None:
    assert component_name(name) == component


@given(st.text())
def test_every_name_becomes_one_that_the_server_takes(name: str) -> None:
    assert values.component(component_name(name))
