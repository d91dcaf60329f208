"""`small_disk.py DIRECTORY`, in a mount namespace of its own: what a spool does on a disk that is full, then read-only.

It prints, after each change of the disk: whether there is trouble, and how many records there are in all and in memory.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from firmtrail_agent.state.spool import Spool
from tests.agent.support.observations import DEVICE, observed


def main(disk: Path) -> None:
    _mount("-t", "tmpfs", "-o", "size=600k", "tmpfs", disk)
    spool = Spool(disk / "spool", DEVICE, boot_time=float)
    _observe(spool, 1, 5)
    _tell("new", spool)
    _observe(spool, 6, 60)
    _tell("full", spool)
    _mount("-o", "remount,size=8m", disk)
    _observe(spool, 66, 1)
    _tell("roomy", spool)
    _mount("-o", "remount,ro", disk)
    _observe(spool, 67, 1)
    spool.acknowledge(3)
    _tell("read-only", spool)
    _mount("-o", "remount,rw", disk)
    _observe(spool, 68, 1)
    _tell("writable", spool)
    again = Spool(disk / "spool", DEVICE, boot_time=float)
    _tell("restarted", again)


def _observe(spool: Spool, first: int, count: int) -> None:
    for number in range(first, first + count):
        spool.add(observed(f"v{number}", number), urgent=True)


def _tell(state: str, spool: Spool) -> None:
    trouble = spool.trouble.rpartition(": ")[2] if spool.trouble else "none"
    sys.stdout.write(f"{state}: {trouble}, {len(spool.records)} of these {spool.in_memory}\n")


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
