"""Committed INSERTs of one row, without HTTP: by pgbench's many clients, and one after the other over psycopg.

The row is a closed period with a key of its own, among 10,000 devices: what a database would get from every report if
reports were stored one by one.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.cluster import READ_COMMITTED, libpq_environment
from bench.errors import CannotMeasure
from firmtrail_postgres import find_bin_dir

CLIENTS = 32
_SCRIPT = """\
\\set device random(1, 10000)
insert into device_firmware_periods (
           device_id, first_reported_at, component, period_id, project_id, version,
           last_reported_at, superseded_at, report_count, recorded_at, tie_rank
       )
values (('00000000-0000-4000-8000-' || lpad(:device::text, 12, '0'))::uuid, now(), 'main', gen_random_uuid(),
        '00000000-0000-4000-8000-000000000000', '1.0.0000001', now(), now(), 1, now(), 0);
"""
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


@dataclass(frozen=True)
class Inserts:
    """What was inserted."""

    #: a second, the time to connect left out
    rate: float
    #: of each INSERT, its commit included
    latencies_ms: list[float]


def insert_with_pgbench(url: str, seconds: int) -> Inserts:
    """Insert for some seconds with 32 clients and prepared statements.

    Raises:
        CannotMeasure: pgbench is missing or fails.
    """
    program = find_bin_dir() / "pgbench"
    if not program.exists():
        raise CannotMeasure(f"There is no pgbench in {program.parent}: install firmtrail-server[embedded].")
    with tempfile.TemporaryDirectory(prefix="firmtrail-pgbench-") as folder:
        (Path(folder) / "insert.sql").write_text(_SCRIPT, encoding="utf-8")
        done = subprocess.run(
            [program, "-n", "-f", "insert.sql", "-M", "prepared", f"-c{CLIENTS}", "-j2", f"-T{seconds}", "-l"],
            cwd=folder,
            env=os.environ | libpq_environment(url),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CannotMeasure(f"pgbench failed: {done.stderr.strip()}")
        return parsed(done.stdout, [log.read_text(encoding="utf-8") for log in Path(folder).glob("pgbench_log.*")])


def parsed(output: str, logs: list[str]) -> Inserts:
    """Read pgbench's summary, and its logs: a line a transaction, whose third word is the latency in microseconds."""
    rate = _RATE.search(output)
    if not rate:
        raise CannotMeasure(f"pgbench did not say what it has counted:\n{output}")
    return Inserts(float(rate[1]), [int(line.split()[2]) / 1000 for log in logs for line in log.splitlines()])


def insert_one_by_one(url: str, seconds: float) -> Inserts:
    """Insert for some seconds on one connection.

    This alone is measured by Python: what is asked is the time of psycopg itself.
    """
    taken: list[float] = []
    with psycopg.connect(url, autocommit=True, options=READ_COMMITTED) as conn:
        end = time.perf_counter() + seconds
        while (started := time.perf_counter()) < end:
            _insert(conn)
            taken.append((time.perf_counter() - started) * 1000)
    return Inserts(len(taken) / sum(taken) * 1000, taken)


def _insert(conn: psycopg.Connection) -> None:
    conn.execute(
        """
        insert into device_firmware_periods (
                   device_id, first_reported_at, component, period_id, project_id, version,
                   last_reported_at, superseded_at, report_count, recorded_at, tie_rank
               )
        values (%(device_id)s, %(now)s, 'main', %(period_id)s, %(device_id)s, '1.0.0000001',
                %(now)s, %(now)s, 1, %(now)s, 0)
        """,
        {"device_id": uuid.uuid4(), "period_id": uuid.uuid4(), "now": dt.datetime.now(dt.UTC)},
        prepare=True,
    )
