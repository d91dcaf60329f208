"""CPU time as the kernel accounts for it, of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cpu
from bench.cpu import cpu_seconds, parent_of, wait_until_quiet
from bench.errors import CannotMeasure

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")

#: uses 0.3 s of CPU time in a child that has ended, and 0.2 s in one that lives; then waits to be told to end
BURNING = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < {}: pass\\nprint(flush=True)\\n{}"
subprocess.run([sys.executable, "-c", burn.format(0.3, "")], stdout=subprocess.DEVNULL)
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
living = subprocess.Popen([sys.executable, "-c", burn.format(0.2, "input()")], **pipes)
living.stdout.readline()
print(flush=True)
input()
living.communicate(b"\\n")
"""
#: recorded; the name holds what ends it, and a space
STAT = (
    b"4711 (a) b (c) S 17 4711 4711 0 -1 4194560 5213 99 0 0 250 30 7 3 20 0 3 0 1234567 "
    b"251658240 4096 18446744073709551615 1 1 0 0 0 0 0 16781312 134235651 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)


def test_a_line_of_proc_is_read_whatever_the_program_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "4711").mkdir()
    (tmp_path / "4711" / "stat").write_bytes(STAT)
    monkeypatch.setattr(cpu, "PROC", tmp_path)

    assert parent_of(4711) == 17
    assert cpu_seconds(4711) == (250 + 30 + 7 + 3) / os.sysconf("SC_CLK_TCK")


def test_children_count_those_that_live_and_those_that_have_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", BURNING], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()

    used = cpu_seconds(process.pid)
    process.communicate(b"\n")

    assert used >= 0.45  # Linux counts whole ticks, of each figure of each process


def test_a_process_that_works_on_is_named() -> None:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])

    with pytest.raises(CannotMeasure, match=f"Process {process.pid} still works"):
        wait_until_quiet(process.pid, limit_seconds=0.5)
    process.kill()
    process.wait()


def test_a_process_at_rest_is_quiet() -> None:
    process = subprocess.Popen(["sleep", "60"])

    wait_until_quiet(process.pid)
    process.kill()
    process.wait()
