"""./dev bench reports from its start to its files, small and short."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.reports import GROUPS, chosen, options_of

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
    assert written["rounds"][0]["ours, Basic"]["mean_batch"] >= 1
    assert "--enable-optimizations" in written["facts"]["Python"]
    assert "| ours, Basic " in (tmp_path / "reports.md").read_text()
    assert "ours, Basic" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ([], [*GROUPS]),
        (["--quick"], []),
        (["--only=cold"], ["cold"]),
        (["--quick", "--only=cold"], ["cold"]),
        (["--skip-peers", "--skip-big"], [name for name in GROUPS if name not in ("peers", "big")]),
    ],
)
def test_the_options_choose_the_groups(arguments: list[str], groups: list[str]) -> None:
    assert [*chosen(options_of(arguments))] == groups


@pytest.mark.parametrize(("arguments", "writes"), [([], True), (["--quick"], False), (["--only=cold"], False)])
def test_only_the_whole_table_is_written(arguments: list[str], *, writes: bool) -> None:
    assert (options_of(arguments).results is not None) is writes


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
