"""What PostgreSQL itself has counted of the fleet's database: time and buffers of its statements, and their plans."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg

from bench.cluster import Cluster

_PLAN = re.compile(r"^.*LOG: +duration: \S+ ms  plan:\n((?:\t.*\n)+)", re.MULTILINE)
#: until every backend has heard of a changed setting
_RELOAD_SECONDS = 0.1


@dataclass(frozen=True)
class Spent:
    """What statements took."""

    statements: int
    #: in the backends, planning included; parallel workers run within it
    ms: float
    #: of 8 KiB, found in PostgreSQL's memory or not
    buffers: int


class Ledger:
    """Counts the statements of one database, from outside of it, so that its own do not count."""

    def __init__(self, cluster: Cluster, url: str, log: Path) -> None:
        self._url = cluster.url
        self._database = urlsplit(url).path.removeprefix("/")
        self._log = log
        with self._admin() as conn:
            conn.execute("create extension if not exists pg_stat_statements")

    @contextmanager
    def counting(self) -> Generator[Callable[[], Spent]]:
        """Count from here on; what is yielded tells so far."""
        with self._admin() as conn:
            conn.execute("select pg_stat_statements_reset()")

            def spent() -> Spent:
                row = conn.execute(
                    """
                    select coalesce(sum(calls), 0)::int8, coalesce(sum(total_exec_time + total_plan_time), 0),
                           coalesce(sum(shared_blks_hit + shared_blks_read), 0)::int8
                      from pg_stat_statements
                      join pg_database on pg_database.oid = dbid
                     where datname = %(database)s
                       and queryid is not null
                       and toplevel
                    """,
                    {"database": self._database},
                ).fetchone()
                assert row
                return Spent(*row)

            yield spent

    def plans_of(self, ask: Callable[[], object]) -> list[str]:
        """Ask once while every plan is written to the log, with times and buffers, and return the plans."""
        before = self._log.stat().st_size
        with self._admin() as conn:
            self._explain(conn, "0")
            try:
                ask()
            finally:
                self._explain(conn, "-1")
        return _plans(self._log, before)

    def _explain(self, conn: psycopg.Connection, from_ms: LiteralString) -> None:
        conn.execute(f"alter system set auto_explain.log_min_duration = {from_ms}")
        conn.execute("select pg_reload_conf()")
        time.sleep(_RELOAD_SECONDS)

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True, options="-c auto_explain.log_min_duration=-1")


def _plans(log: Path, before: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(before)
        said = file.read().decode(errors="replace")
    plans = [plan.replace("\n\t", "\n").strip() for plan in _PLAN.findall(said)]
    return [plan for plan in plans if "Buffers:" in plan]  # the others had begun before that was asked for
