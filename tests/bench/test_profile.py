"""./dev bench profile: which part a stack counts for, and a short run from its start to its file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.servers.profiled import OTHER, part_of

ROOT = Path(__file__).resolve().parents[2]
_LOOP = [".lib.python3.11.asyncio.runners.py", ".site-packages.uvloop.__init__.py"]


@pytest.mark.parametrize(
    ("names", "part"),
    [
        ([".lib.python3.11.hashlib.py", ".src.firmtrail_server.auth.token_cache.py"], "who asks, and whether they may"),
        ([".site-packages.aiohttp.streams.py", ".src.firmtrail_server.http.requests.py"], "HTTP: parsing"),
        (["<attrs generated methods firmtrail_server.http.context.Context>"], "endpoint, context"),
        (["<cattrs generated structure firmtrail_contract.firmware.FirmwareReport-2>"], "arguments, models"),
        ([".src.firmtrail_server.queries.reports.py"], "gathering"),
        (_LOOP, "the event loop"),
    ],
)
def test_a_stack_counts_for_the_innermost_part_in_it(names: list[str], part: str) -> None:
    assert part_of(iter([*names, *_LOOP])).startswith(part)


def test_a_stack_of_no_part_is_other() -> None:
    assert part_of(iter([".lib.python3.11.runpy.py"])) == OTHER


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_a_short_run_writes_which_parts_the_time_went_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.profile", "--seconds=1", "--devices=100", "--results", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "profile.md").read_text() == done.stdout
    assert "| HTTP: parsing, connections, sending " in done.stdout
