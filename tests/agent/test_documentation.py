"""docs/agent.md says what is true: its exit codes and statuses are those of the code."""

from __future__ import annotations

import os
import re
from pathlib import Path

import firmtrail_agent
from firmtrail_agent.cli import status
from firmtrail_agent.daemon.status_file import Status
from firmtrail_agent.server.failures import EXIT_CODES, Trouble

DOCUMENT = (Path(__file__).parents[2] / "docs/agent.md").read_text(encoding="utf-8")
CODE = "".join(file.read_text(encoding="utf-8") for file in Path(firmtrail_agent.__file__).parent.rglob("*.py"))


def rows(section: str) -> list[list[str]]:
    """The cells of the tables of a section, without their headings."""
    text = DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0]
    tables = re.findall(r"^\|(?:---\|)+\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    lines = "".join(tables).splitlines()
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_the_exit_codes_are_those_that_the_code_has() -> None:
    used = {getattr(os, name) for name in re.findall(r"os\.(EX_[A-Z]+)", CODE)}

    assert {int(row[0]) for row in rows("What each exit code means")} == used


def test_each_status_has_its_exit_code() -> None:
    standings = {
        Status(pid=1, next_round=0, last_report=1).state: status.HEALTHY,
        Status(pid=1, next_round=0).state: status.HEALTHY,
        Status(pid=1, next_round=0, problems=["x"]).state: status.DEGRADED,
        "not running": status.NOT_RUNNING,
    }

    assert {row[0]: int(row[1]) for row in rows("What each status means")[:4]} == standings


def test_each_trouble_has_its_exit_code_the_gravest_first() -> None:
    told = [(row[0], int(row[1])) for row in rows("What each status means")[4:]]

    assert told == [(trouble.value, EXIT_CODES[trouble]) for trouble in Trouble]


def test_the_service_is_started_again_except_after_what_the_page_names() -> None:
    unit = (Path(__file__).parents[2] / "packages/device-agent/systemd/firmtrail-agent.service").read_text()
    prevented = re.search(r"^RestartPreventExitStatus=(\d+) (\d+) (\d+)$", unit, re.MULTILINE)

    assert prevented
    assert "except after {}, {} and {}".format(*prevented.groups()) in " ".join(DOCUMENT.split())
