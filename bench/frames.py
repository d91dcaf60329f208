"""`./dev bench frames`: what it costs to make frames of 100,000 version periods, beside polars alone.

Every figure is a ratio: the time of ours by that in which `polars.read_ipc_stream` reads the same Arrow from memory.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
import uuid
from collections.abc import Callable

import polars as pl
import pyarrow as pa
from pyarrow import ipc
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from firmtrail import frames
from firmtrail_contract import VersionPeriod

ROWS = 100_000
ROUNDS = 15


def main() -> int:
    options = _options()
    periods = [_period(number) for number in range(options.rows)]
    arrow = frames.to_arrow(periods, VersionPeriod)
    wire = _written(arrow)
    peer = _seconds(lambda: pl.read_ipc_stream(wire), options.rounds)
    table = Table("of the same rows", "times polars alone", box=MARKDOWN)
    for name, make in {
        "Arrow from memory to polars": lambda: frames.to_polars(_read(wire)),
        "Arrow from memory to pandas": lambda: frames.to_pandas(_read(wire)),
        "models to Arrow": lambda: frames.to_arrow(periods, VersionPeriod),
        "models to polars": lambda: frames.to_polars(frames.to_arrow(periods, VersionPeriod)),
    }.items():
        table.add_row(name, f"{_seconds(make, options.rounds) / peer:.1f}")
    Console().print(table)
    return 0


def _written(arrow: pa.Table) -> bytes:
    """The table as an Arrow IPC stream, as it would cross the wire."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, arrow.schema) as stream:
        stream.write_table(arrow)
    return sink.getvalue().to_pybytes()


def _read(wire: bytes) -> pa.Table:
    return ipc.open_stream(wire).read_all()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench frames", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="version periods (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="the median of so many counts (default: %(default)s)"
    )
    return parser.parse_args()


def _seconds(make: Callable[[], object], rounds: int) -> float:
    """Take the median, so that what else the machine does counts little."""
    return statistics.median(_once(make) for _ in range(rounds))


def _once(make: Callable[[], object]) -> float:
    began = time.perf_counter()
    make()
    return time.perf_counter() - began


def _period(number: int) -> VersionPeriod:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=number)
    return VersionPeriod(
        id=uuid.UUID(int=number),
        component=("main", "modem")[number % 2],
        version=f"1.{number % 50}.{number % 7}",
        first_reported_at=moment,
        last_reported_at=moment + dt.timedelta(days=3),
        report_count=number % 100,
        superseded_at=None if number % 10 == 0 else moment + dt.timedelta(days=4),
        recorded_at=moment,
    )


if __name__ == "__main__":
    raise SystemExit(main())
