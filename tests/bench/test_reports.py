"""./dev bench reports from its start to its files, small and short."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_quick_run_measures_the_echo_and_ours(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.reports", "--quick", "--seconds=1", "--rounds=1", "--results", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "reports.json").read_text())
    assert {"bare aiohttp echo", "ours, Basic"} <= written["rounds"][0].keys()
    assert written["rounds"][0]["ours, Basic"]["rate"] > 0
    assert "| ours, Basic " in (tmp_path / "reports.md").read_text()
    assert "ours, Basic" in done.stdout


def test_a_missing_wrk_is_said_before_anything_is_started(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.reports"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    sentence = re.escape("wrk, the load generator, is not installed: apt install wrk (Debian, Ubuntu) gets it.")
    assert re.fullmatch(rf"bench: +\d+ s  {sentence}\n", done.stderr)
    assert not any(tmp_path.iterdir())
