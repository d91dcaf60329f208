"""./dev bench instructions: a short run of two kinds, from their start to the file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| an echo on (.*?) +\| +([\d,]+) \| +(\d\.\d\d) \|", re.MULTILINE)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_short_run_writes_what_each_kind_of_request_costs_beside_the_echo(tmp_path: Path) -> None:
    short = ["--only=server", "--requests=64", "--rounds=1", "--results", tmp_path]
    command = [sys.executable, "-m", "bench.instructions", *short]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "instructions.md").read_text() == done.stdout
    (whole, echo, one), (below, less, ratio) = _ROW.findall(done.stdout)
    assert (whole, one, below) == ("aiohttp's Application", "1.00", "web.Server")
    assert float(ratio) == pytest.approx(_number(less) / _number(echo), abs=0.005)
    assert min(_number(less), _number(echo)) > 50_000, "a request costs more than that, and a busy machine adds to it"


def _number(text: str) -> int:
    return int(text.replace(",", ""))
