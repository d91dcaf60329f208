"""What the server counts, in memory that its workers share, and how it is shown to Prometheus.

Each worker adds to a row of its own, without a lock and without telling anyone; whoever is asked sums up all rows. A
row outlives its worker, so that no count ever falls: the worker that takes its place goes on from there. All workers
make the same metrics in the same order, so that a cell means the same in every row.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from mmap import mmap
from typing import NoReturn, TypeAlias

import attrs
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

_CELLS = 8_192
_CELL_BYTES = 8
#: the first cell of a row: which process fills it, 0: none at the moment
_PID = 0
_SAMPLED_EVERY_SECONDS = 1

Row: TypeAlias = "memoryview[float]"


class Board:
    """The rows of all workers."""

    def __init__(self, workers: int = 1, file: int = -1) -> None:
        """Map a file of `board_bytes(workers)` that they share, or memory of this process alone."""
        cells = memoryview(mmap(file, board_bytes(workers))).cast("d")
        self._rows: list[Row] = [cells[at : at + _CELLS] for at in range(0, len(cells), _CELLS)]

    def row(self, worker: int) -> Row:
        """Give the row of a worker, counted from 1."""
        return self._rows[worker - 1]

    def vacate(self, worker: int) -> None:
        """Note that a worker has ended: its counts stay, what it had at the moment does not."""
        self.row(worker)[_PID] = 0

    def rows(self, *, of_the_living: bool) -> list[Row]:
        return [row for row in self._rows if row[_PID]] if of_the_living else self._rows


def board_bytes(workers: int) -> int:
    return workers * _CELLS * _CELL_BYTES


class Counter:
    """A number that only grows."""

    __slots__ = ("_at", "_row")

    def __init__(self, row: Row, at: int) -> None:
        self._row, self._at = row, at

    def add(self, amount: float = 1) -> None:
        self._row[self._at] += amount


class Histogram:
    """How many values lie up to each bound, and their sum."""

    __slots__ = ("_at", "_bounds", "_row", "_sum_at")

    def __init__(self, row: Row, at: int, bounds: Sequence[float]) -> None:
        self._row, self._at, self._bounds = row, at, bounds
        self._sum_at = at + len(bounds) + 1

    def observe(self, value: float) -> None:
        row = self._row
        row[self._at + bisect_left(self._bounds, value)] += 1
        row[self._sum_at] += value


@attrs.frozen
class _Series:
    labels: dict[str, str]
    at: int


@attrs.frozen
class _Watched:
    """A number that is kept elsewhere, and copied when somebody is about to look."""

    at: int
    counted_before: float
    read: Callable[[], float]


@attrs.frozen
class _Family:
    """All series of one name."""

    #: counter, gauge or histogram
    kind: str
    name: str
    text: str
    bounds: Sequence[float] = ()
    #: makes one number of those of all workers
    combine: Callable[[Iterable[float]], float] = sum
    series: list[_Series] = attrs.field(factory=list[_Series])

    @property
    def cells(self) -> int:
        return len(self.bounds) + 2 if self.bounds else 1

    def shown(self, board: Board) -> Metric:
        metric = Metric(self.name.removesuffix("_total"), self.text, self.kind)
        rows = board.rows(of_the_living=self.kind == "gauge")
        for one in self.series:
            cells = [self.combine([row[at] for row in rows] or [0]) for at in range(one.at, one.at + self.cells)]
            if any(cells) or not one.labels:  # of those with labels most are never used
                self._add(metric, one.labels, cells)
        return metric

    def _add(self, metric: Metric, labels: dict[str, str], cells: Sequence[float]) -> None:
        if not self.bounds:
            metric.add_sample(self.name, labels, cells[0])
            return
        *buckets, total = cells
        up_to = [*accumulate(buckets)]
        for bound, count in zip([*map(str, self.bounds), "+Inf"], up_to, strict=True):
            metric.add_sample(f"{self.name}_bucket", {**labels, "le": bound}, count)
        metric.add_sample(f"{self.name}_count", labels, up_to[-1])
        metric.add_sample(f"{self.name}_sum", labels, total)


class Metrics(Collector):
    """One worker's metrics; collecting shows those of all workers."""

    def __init__(self, board: Board | None = None, worker: int = 1) -> None:
        self._board = board or Board()
        self._row = self._board.row(worker)
        self._row[_PID] = os.getpid()
        self._families: dict[str, _Family] = {}
        self._watched: list[_Watched] = []
        self._free = _PID + 1

    def counter(self, name: str, text: str, **labels: str) -> Counter:
        return Counter(self._row, self._allot("counter", name, text, labels))

    def histogram(self, name: str, text: str, bounds: Sequence[float], **labels: str) -> Histogram:
        return Histogram(self._row, self._allot("histogram", name, text, labels, bounds), bounds)

    def watch_count(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a number that only grows, and is kept elsewhere."""
        at = self._allot("counter", name, text, {})
        self._watched.append(_Watched(at, self._row[at], read))

    def watch(
        self,
        name: str,
        text: str,
        read: Callable[[], float],
        *,
        combine: Callable[[Iterable[float]], float] = sum,
    ) -> None:
        """Show a number that is kept elsewhere; `combine` makes one of those of all workers."""
        at = self._allot("gauge", name, text, {})
        self._families[name] = attrs.evolve(self._families[name], combine=combine)
        self._watched.append(_Watched(at, 0, read))

    def sample(self) -> None:
        """Copy what is kept elsewhere, so that other workers see it."""
        for one in self._watched:
            self._row[one.at] = one.counted_before + one.read()

    async def keep_sampled(self) -> NoReturn:
        while True:
            self.sample()
            await asyncio.sleep(_SAMPLED_EVERY_SECONDS)

    def collect(self) -> Iterator[Metric]:
        self.sample()
        for family in self._families.values():
            yield family.shown(self._board)
        yield from _processes([int(row[_PID]) for row in self._board.rows(of_the_living=True)])

    def _allot(self, kind: str, name: str, text: str, labels: dict[str, str], bounds: Sequence[float] = ()) -> int:
        family = self._families.setdefault(name, _Family(kind, name, text, bounds))
        at, self._free = self._free, self._free + family.cells
        if self._free > _CELLS:
            raise ValueError(f"there is no room for {name}: _CELLS must be more")
        family.series.append(_Series(labels, at))
        return at


def _processes(pids: Sequence[int]) -> Iterator[Metric]:
    """Show memory, processor time and open files of each process, where the operating system has a /proc."""
    shown: dict[str, Metric] = {}
    for pid in pids:
        for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():
            family = shown.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
            for sample in metric.samples:
                family.add_sample(sample.name, {**sample.labels, "pid": str(pid)}, sample.value)
    yield from shown.values()
