"""The units on paper: how little they expose, and that both ways to run the agent are sandboxed alike."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "packages/device-agent/systemd"
SERVICES = ("firmtrail-agent.service", "firmtrail-agent-report.service")
#: in tenths, as systemd-analyze wants it
_MOST_EXPOSURE = 15

needs_analysis = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze, which rates units"
)


@needs_analysis
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_exposes_at_most_1_5_of_10(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={_MOST_EXPOSURE}", str(UNITS / name)]

    rated = subprocess.run(command, capture_output=True, text=True, check=False)

    assert rated.returncode == 0, rated.stdout.splitlines()[-1:] + rated.stderr.splitlines()


def test_both_services_have_the_same_sandbox() -> None:
    daemon, once = (_sections(UNITS / name) for name in SERVICES)

    for title in ("# What it may take from the device", "# Sandbox"):
        assert daemon[title] == once[title]


def test_no_unit_waits_for_the_network() -> None:
    for unit in UNITS.iterdir():
        assert "network-online" not in unit.read_text()


def _sections(unit: Path) -> dict[str, str]:
    """The paragraphs of a unit, by their first lines."""
    paragraphs = unit.read_text().split("\n[Install]")[0].split("\n\n")
    return {first: rest.strip() for first, _, rest in (paragraph.partition("\n") for paragraph in paragraphs)}
