"""How often something went wrong, in memory that the workers share.

Each worker writes to a table of its own, without a lock; whoever asks adds up the tables of all. A table outlives its
worker, so that what a killed one has counted still counts. Tables do not grow: what ends first makes room.
"""

from __future__ import annotations

import os
from enum import IntEnum
from hashlib import blake2b
from mmap import mmap

#: of a table
_SLOTS = 4_096
#: how many slots a subject may stand in, from the one that its digest names
_PLACES = 16
_CELL_BYTES = 8
#: of each slot: the subject's digest, a count, and when it ends
_CELLS = 3
_KEY_BYTES = 64


class Counted(IntEnum):
    """What is counted; each in a table of its own, so that none crowds out another."""

    KEYS = 0
    PASSWORDS = 1
    SIGN_UPS = 2
    MAILS = 3


def lay_out(file: int, workers: int) -> None:
    """Give an empty file the size and the key that its tables need."""
    os.ftruncate(file, _KEY_BYTES + _cells(workers) * _CELLS * _CELL_BYTES)
    os.pwrite(file, os.urandom(_KEY_BYTES), 0)


class FailureMemory:
    """All tables, as one worker sees them."""

    def __init__(self, workers: int = 1, file: int | None = None, worker: int = 1) -> None:
        """Map a file that `lay_out` has made, or memory of this process alone."""
        size = _cells(workers) * _CELL_BYTES
        memory = mmap(-1 if file is None else file, _KEY_BYTES + _CELLS * size)
        if file is None:
            memory[:_KEY_BYTES] = os.urandom(_KEY_BYTES)
        #: keeps secret where a subject stands: who chooses subjects could crowd out another one
        self.key = memory[:_KEY_BYTES]
        cells = memoryview(memory)[_KEY_BYTES:]
        self.digests = cells[:size].cast("Q")
        self.counts = cells[size : 2 * size].cast("d")
        self.ends = cells[2 * size :].cast("d")
        self.workers = range(workers)
        self.worker = worker - 1

    def table(self, counted: Counted) -> FailureCounts:
        return FailureCounts(self, counted)


class FailureCounts:
    """How often a subject has failed. The clock is monotonic, and one for all processes of the machine."""

    def __init__(self, memory: FailureMemory, counted: Counted) -> None:
        self._memory = memory
        self._starts = [(worker * len(Counted) + counted) * _SLOTS for worker in memory.workers]

    def find(self, subject: str, now: float) -> tuple[int, float]:
        """Return how often it has failed, and when that is forgotten; a count that is over is none."""
        return self._find(self._digest(subject), now)

    def add(self, subject: str, now: float, period_seconds: float) -> None:
        """Count one failure more; the first one says when all are forgotten."""
        digest, memory = self._digest(subject), self._memory
        failures, ends_at = self._find(digest, now)
        at = self._own_place(digest)
        goes_on = memory.digests[at] == digest and memory.ends[at] > now
        memory.counts[at] = memory.counts[at] + 1 if goes_on else 1
        memory.ends[at] = ends_at if failures else now + period_seconds
        memory.digests[at] = digest

    def _find(self, digest: int, now: float) -> tuple[int, float]:
        memory, failures, ends_at = self._memory, 0, now
        for start in self._starts:
            at = self._place(start, digest)
            if at is not None and memory.ends[at] > now:
                failures, ends_at = failures + int(memory.counts[at]), max(ends_at, memory.ends[at])
        return failures, ends_at

    def _own_place(self, digest: int) -> int:
        """Find where this worker has it, or the place that is free first."""
        start = self._starts[self._memory.worker]
        known = self._place(start, digest)
        first = start + digest % (_SLOTS - _PLACES)
        return min(range(first, first + _PLACES), key=self._memory.ends.__getitem__) if known is None else known

    def _place(self, start: int, digest: int) -> int | None:
        first = start + digest % (_SLOTS - _PLACES)
        places = self._memory.digests[first : first + _PLACES].tolist()
        return first + places.index(digest) if digest in places else None

    def _digest(self, subject: str) -> int:
        return int.from_bytes(
            blake2b(subject.encode(errors="surrogatepass"), digest_size=_CELL_BYTES, key=self._memory.key).digest()
        )


def _cells(workers: int) -> int:
    """Of all tables of one kind of cell."""
    return workers * len(Counted) * _SLOTS
