"""What pgbench has said, read; recorded from a real run."""

from __future__ import annotations

import pytest

from bench.errors import CannotMeasure
from bench.inserts import parsed

OUTPUT = """\
pgbench (18.6)
transaction type: insert.sql
scaling factor: 1
query mode: prepared
number of clients: 32
number of threads: 2
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 55628
number of failed transactions: 0 (0.000%)
latency average = 1.713 ms
initial connection time = 21.011 ms
tps = 18674.953815 (without initial connection time)
"""
LOGS = ["0 1 1713 0 1764000000 123456\n0 2 900 0 1764000000 124356\n", "17 1 2250 0 1764000000 125000\n"]


def test_the_rate_leaves_connecting_out_and_latencies_come_from_all_logs() -> None:
    inserts = parsed(OUTPUT, LOGS)

    assert inserts.rate == 18674.953815
    assert inserts.latencies_ms == [1.713, 0.9, 2.25]


def test_an_output_without_a_rate_measures_nothing() -> None:
    with pytest.raises(CannotMeasure, match="pgbench did not say"):
        parsed("pgbench (18.6)\n", LOGS)
