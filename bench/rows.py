"""The rows of the table, and what one round measures of each."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Row(StrEnum):
    """What is measured, under the name that the table shows, in the order of a round."""

    ECHO_STILL = "bare aiohttp echo, one request for ever"
    ECHO = "bare aiohttp echo"
    ECHO_SERVER = "bare echo on web.Server"
    ECHO_OURS = "bare echo on our HTTP floor"
    BASIC = "ours, Basic"
    BEARER = "ours, Bearer"
    RARE = "ours, Basic, one new version in 500"
    BATCH = "ours, the agent's batch, Basic"
    COLD_BASIC = "ours, Basic, cold"
    COLD_BEARER = "ours, Bearer, cold"
    COLD_BATCH = "ours, the agent's batch, Basic, cold"
    COLD_BATCH_BEARER = "ours, the agent's batch, Bearer, cold"
    TOKENS = "ours, access tokens given"
    OPEN = "ours, Basic, beside an open transaction"
    OPEN_BATCH = "ours, the agent's batch, Basic, beside an open transaction"
    DEVICE = "ours, a device read"
    HISTORY = "ours, a history of ten periods read"
    OFFLINE_1 = "ours, records of offline batches, 1 device"
    OFFLINE_8 = "ours, records of offline batches, 8 devices"
    OFFLINE_32 = "ours, records of offline batches, 32 devices"
    BIG = "ours, Basic, 5 million periods stored"
    PGBENCH = "pgbench, one row per INSERT"
    UNGATHERED = "ours, Basic, not gathered"
    DJANGO_CACHED = "Django peer, cache and kept connections"
    DJANGO = "Django peer"
    GOOSEBIT = "gooseBit, which authenticates nobody"
    ECHO_ALONE = "bare aiohttp echo, 1 connection"
    INSERT_ALONE = "one INSERT over psycopg, 1 connection"
    BASIC_ALONE = "ours, Basic, 1 connection"
    UNKNOWN_ID = "ours, unknown key id, 1 connection"
    WRONG_SECRET = "ours, wrong secret, 1 connection"  # noqa: S105  a name


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One row in one round."""

    #: requests a second, or records
    rate: float
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    #: CPU time a request, in the server's processes; None where there is no server
    app_us: float | None = None
    #: CPU time a request, in all processes of PostgreSQL; None where it is not asked
    database_us: float | None = None
    #: reports a commit; None where nothing is gathered
    mean_batch: float | None = None


Round = Mapping[Row, Sample]


def sample_of(latencies_ms: Sequence[float], *, rate: float, database_us: float | None = None) -> Sample:
    """Make a sample of single latencies."""
    percentiles = statistics.quantiles(latencies_ms, n=100)
    return Sample(
        rate=rate, p50_ms=percentiles[49], p99_ms=percentiles[98], slowest_ms=max(latencies_ms), database_us=database_us
    )


def median_sample(samples: Sequence[Sample]) -> Sample:
    """Take the median of each figure by itself."""
    return Sample(
        rate=statistics.median(sample.rate for sample in samples),
        p50_ms=statistics.median(sample.p50_ms for sample in samples),
        p99_ms=statistics.median(sample.p99_ms for sample in samples),
        slowest_ms=statistics.median(sample.slowest_ms for sample in samples),
        app_us=_median_if_any([sample.app_us for sample in samples]),
        database_us=_median_if_any([sample.database_us for sample in samples]),
        mean_batch=_median_if_any([sample.mean_batch for sample in samples]),
    )


def _median_if_any(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return statistics.median(known) if known else None
