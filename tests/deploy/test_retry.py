"""deploy/compose/retry.sh, run by a real shell with a `sleep` that does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[[str], tuple[int, int]]

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    """Run a shell script under retry.sh; gives the exit code and how often it ran."""
    (tmp_path / "sleep").write_text("#!/bin/sh\n")
    (tmp_path / "sleep").chmod(0o755)
    log = tmp_path / "log"

    def run(script: str) -> tuple[int, int]:
        done = subprocess.run(
            ["sh", root / "deploy/compose/retry.sh", "sh", "-c", f'echo ran >> "{log}"; {script}'],
            env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            check=False,
            timeout=30,
        )
        return done.returncode, len(log.read_text().splitlines())

    return run


def test_what_succeeds_runs_once(run: Run) -> None:
    assert run("true") == (0, 1)


def test_what_is_unavailable_runs_again(run: Run, tmp_path: Path) -> None:
    assert run(f'[ -e "{tmp_path}/up" ] || {{ touch "{tmp_path}/up"; exit 69; }}') == (0, 2)


def test_a_bad_configuration_is_not_tried_again(run: Run) -> None:
    assert run("exit 78") == (78, 1)


def test_retries_end(run: Run) -> None:
    assert run("exit 69") == (69, 60)
