"""What a report costs more for the questions about fleets: both sides store the same, and one less of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.derived import without_derived
from bench.errors import CannotMeasure

ROOT = Path(__file__).resolve().parents[2]


def test_a_statement_that_has_no_such_part_is_not_measured() -> None:
    with pytest.raises(CannotMeasure, match="changed"):
        without_derived("select 1")


def test_a_part_is_cut_out_whole() -> None:
    statement = """
        with input as (
            select 1
        ),
        changed as (
            insert into device_versions (version) select (1)
        ),
        fed as (
            insert into firmware_changes_new (version) select (1)
        ),
        closed as (
            select 2
        )
        select 3
    """

    left = without_derived(statement)

    assert "insert" not in left
    assert " ".join(left.split()) == "with input as ( select 1 ), closed as ( select 2 ) select 3"


def test_a_small_run_has_a_line_for_each_share() -> None:
    options = ["--devices=60", "--reports=120", "--rounds=1"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.derived", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    shares = [line.split("|")[1].strip() for line in done.stdout.splitlines() if "%" in line]
    assert shares == ["0 %", "0.2 %, the fleet's own", "10 %"]
