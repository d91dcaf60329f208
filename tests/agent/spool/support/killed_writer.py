"""`killed_writer.py DIRECTORY TIMES SEED`: write to a spool and be killed, again and again; then look at what is there.

Each writer tells of what it has stored and of what it is about to delete. It prints how many records were stored.
"""

from __future__ import annotations

import itertools
import os
import random
import select
import signal
import sys
from pathlib import Path

from firmtrail_agent.state.spool import Spool
from tests.agent.support.observations import DEVICE, observed

#: a writer stores a few records in this time
LONGEST_LIFE_SECONDS = 0.03


def main(directory: Path, times: int, seed: int) -> None:
    chance, stored, gone, number = random.Random(seed), set[int](), set[int](), 0
    for _ in range(times):
        for word, one in _live_and_die(directory, number, chance.uniform(0, LONGEST_LIFE_SECONDS)):
            (stored if word == "stored" else gone).add(one)
        found = Spool(directory, DEVICE, boot_time=float)
        kept = [record.first_observed.boot_time_ms for record in found.records]
        assert found.corrupt == 0
        assert kept == sorted(kept)
        assert stored - gone <= {*kept}, (stored - gone, kept)
        assert not (directory / ".tmp").exists()
        number = max([number, *kept]) + 1
    sys.stdout.write(f"{len(stored)}\n")


def _live_and_die(directory: Path, number: int, seconds: float) -> list[tuple[str, int]]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _write(directory, number, writer)
    os.close(writer)
    assert os.read(reader, 1) == b"\n"
    select.select([], [], [], seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as said:
        lines = said.read().decode().split("\n")[:-1]
    return [(word, int(one)) for word, _, one in (line.partition(" ") for line in lines)]


def _write(directory: Path, number: int, writer: int) -> None:
    try:
        spool = Spool(directory, DEVICE, boot_time=float)
        os.write(writer, b"\n")
        for one in itertools.count(number):
            spool.add(observed(f"v{one}", one), urgent=True)
            os.write(writer, b"stored %d\n" % one)
            if len(spool.records) > 5:
                for record in spool.records[:3]:
                    os.write(writer, b"gone %d\n" % record.first_observed.boot_time_ms)
                spool.acknowledge(3)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
