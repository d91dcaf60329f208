"""What a person who joins relies on: the workflow, the hooks, the records of decisions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import check
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs/decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
PARTS = ("**Context.**", "**Cost.**", "**Look again**")


def yaml(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)  # pyright: ignore[reportUnknownMemberType]  half-typed


def test_the_workflow_runs_one_command_and_verbs_that_exist_beside_it() -> None:
    jobs = yaml(".github/workflows/ci.yml")["jobs"]

    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}

    assert commands == {"all": [".ci/run"], "tools": ["./dev ${{ matrix.verb }}"]}
    verbs = (ROOT / "dev").read_text(encoding="utf-8")
    assert all(f"\n  {verb} " in verbs for verb in jobs["tools"]["strategy"]["matrix"]["verb"])


def test_the_workflow_waits_for_all_steps_of_ci() -> None:
    seconds = re.findall(r"^.*\b(?:step|limited) (\d+) ", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)

    job = yaml(".github/workflows/ci.yml")["jobs"]["all"]

    assert job["timeout-minutes"] * 60 > sum(map(int, seconds)) > 0


def test_each_hook_runs_checks_that_exist() -> None:
    hooks = [hook for repo in yaml(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]

    for hook in hooks:
        program, verb, *names = hook["entry"].split()
        assert (program, verb) == ("./dev", "check")
        assert {*names} < {one.name for one in check._checks()}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_is_in_the_index_under_its_number(record: Path) -> None:
    number = record.name[:4]

    assert f"| [{number}]({record.name}) |" in (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert record.read_text(encoding="utf-8").startswith(f"# {number}: ")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_says_its_cost_and_when_to_look_again(record: Path) -> None:
    text = record.read_text(encoding="utf-8")

    assert [part for part in PARTS if part not in text] == []


def test_no_two_decisions_share_a_number() -> None:
    numbers = [record.name[:4] for record in RECORDS]

    assert len({*numbers}) == len(numbers)
