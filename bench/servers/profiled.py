"""Our server with a sampler in it: SIGUSR2 starts it, the next one ends it and writes down what it saw.

Each sample counts for the part of the program that the CPU was in. The interpreter looks for signals between its own
steps, so what runs in C counts for the step after it, in the same part nearly always.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from firmtrail_server.process.cli import main

#: where the samples go
FILE_VARIABLE = "BENCH_PROFILE"
PARTS = {
    "HTTP: parsing, connections, sending": r"aiohttp|yarl|multidict|firmtrail_server\.http\.(connection|server)",
    "who asks, and whether they may": r"firmtrail_server\.(services\.authentication|auth|http\.auth)",
    "arguments, models, JSON, header lines": r"firmtrail_contract|cattrs|firmtrail_server\.http\.re(quests|sponses)",
    "endpoint, context, counting": r"firmtrail_server\.(http|telemetry)",
    "gathering: batches, the statement's arrays, receipts": (r"firmtrail_server\.(ingest|history|handlers|queries)"),
    "the connection to PostgreSQL": r"firmtrail_server\.db|psycopg",
    "the event loop": "uvloop",
}
OTHER = "other"
_PARTS = {part: re.compile(pattern) for part, pattern in PARTS.items()}
_SECONDS = 0.001


def part_of(names: Iterator[str]) -> str:
    """Name the part that a stack is in; `names` are its files, innermost first, and those of no part do not count."""
    for name in names:
        for part, pattern in _PARTS.items():
            if pattern.search(name):
                return part
    return OTHER


def _files(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_filename.replace("/", ".")
        frame = frame.f_back


def _sample_when_told(file: Path) -> None:
    samples: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        samples[part_of(_files(frame))] += 1

    def turn(*_: object) -> None:
        if signal.getitimer(signal.ITIMER_PROF)[0]:
            signal.setitimer(signal.ITIMER_PROF, 0)
            file.write_text(json.dumps(samples))
        else:
            signal.setitimer(signal.ITIMER_PROF, _SECONDS, _SECONDS)

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR2, turn)


if __name__ == "__main__":
    _sample_when_told(Path(os.environ[FILE_VARIABLE]))
    sys.exit(main())
