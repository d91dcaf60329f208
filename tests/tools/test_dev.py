"""The script itself: what it says, and how it refuses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[2] / "dev"


def dev(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEV, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_it_explains_itself(arguments: tuple[str, ...]) -> None:
    done = dev(*arguments)

    assert done.returncode == 0
    assert done.stdout.startswith("usage: ./dev VERB")


def test_an_unknown_verb_is_named() -> None:
    done = dev("jump")

    assert done.returncode == 2
    assert "dev: there is no verb 'jump'" in done.stderr


@pytest.mark.parametrize("arguments", [("bench",), ("bench", "nothing")])
def test_a_benchmark_that_is_not_there_is_answered_by_those_that_are(arguments: tuple[str, ...]) -> None:
    done = dev(*arguments)

    assert done.returncode == 1
    names = "reports, derived, profile, instructions, herd, fleet, export, pages, agent, frames, sdk"
    assert done.stderr == f"dev: name a benchmark: {names}\n"


def test_every_verb_is_in_the_help() -> None:
    verbs = {
        "run",
        "serve",
        "migrate",
        "test",
        "check",
        "fix",
        "fuzz",
        "faults",
        "tools",
        "feed",
        "ha",
        "systemd",
        "images",
        "bench",
        "examples",
        "operation",
        "browser",
        "screenshots",
        "clients",
        "deploy",
        "docs",
        "release",
        "terraform",
        "package",
        "openapi",
        "unasync",
        "lock",
        "help",
    }

    listed = {line.split()[0] for line in dev().stdout.splitlines() if line.startswith("  ") and line[2] != " "}

    assert listed == verbs


def test_an_unusable_python_is_named() -> None:
    done = dev("run", FIRMTRAIL_PYTHON="/bin/false")

    assert done.returncode == 1
    assert done.stderr == "dev: FIRMTRAIL_PYTHON is no Python 3.11 or newer: /bin/false\n"
