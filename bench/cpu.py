"""CPU time of processes, their children included, as Linux accounts for it."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.errors import CannotMeasure

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_QUIET_SECONDS = 0.3
_QUIET_SHARE = 0.1


@dataclass(frozen=True)
class Process:
    """A line of /proc/PID/stat."""

    parent: int
    #: used by itself and by those of its children that have ended, in clock ticks
    ticks: int


def cpu_seconds(root: int) -> float:
    """Sum up what a process and all below it have used, those that have ended included."""
    children: dict[int, list[int]] = defaultdict(list)
    processes = _processes()
    for pid, process in processes.items():
        children[process.parent].append(pid)
    ticks, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        ticks += processes[pid].ticks if pid in processes else 0
        waiting += children[pid]
    return ticks / _TICKS_PER_SECOND


def parent_of(pid: int) -> int:
    return _parsed((PROC / str(pid) / "stat").read_bytes()).parent


def wait_until_quiet(root: int, limit_seconds: float = 300) -> None:
    """Return when the processes hardly use the CPU: what a load has abandoned is done.

    Raises:
        CannotMeasure: they do not come to rest.
    """
    deadline = time.monotonic() + limit_seconds
    before = cpu_seconds(root)
    while time.monotonic() < deadline:
        time.sleep(_QUIET_SECONDS)
        now = cpu_seconds(root)
        if now - before <= _QUIET_SECONDS * _QUIET_SHARE:
            return
        before = now
    raise CannotMeasure(f"Process {root} still works {limit_seconds:.0f} s after the load has ended.")


def _processes() -> dict[int, Process]:
    found: dict[int, Process] = {}
    for file in PROC.glob("[0-9]*/stat"):
        try:
            found[int(file.parent.name)] = _parsed(file.read_bytes())
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
    return found


def _parsed(stat: bytes) -> Process:
    """Read a line; the program's name in it may hold anything, brackets too, and ends at the last one."""
    fields = stat.rpartition(b")")[2].split()
    return Process(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))
