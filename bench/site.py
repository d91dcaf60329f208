"""A server under load, the fleet that reports to it, and the books that show whether it kept what it acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg

from bench.cluster import Cluster
from bench.commits import Commits, read_commits
from bench.cpu import cpu_seconds, wait_until_quiet
from bench.errors import CannotMeasure, WrongAnswers
from bench.load import Load, Mode, drive
from bench.processes import Server
from bench.rows import Sample
from bench.walk import Walk

_WARM_UPS = 200


@dataclass(frozen=True)
class Books:
    """Counts what a database holds."""

    url: str
    reports: LiteralString
    #: version periods, where reports are more than rows
    periods: LiteralString | None = None
    #: in each request: a good answer adds so many to the reports, and to the periods where they bring new versions
    observations: int = 1

    def count_reports(self) -> int:
        return _count(self.url, self.reports)

    def count_periods(self) -> int | None:
        return _count(self.url, self.periods) if self.periods else None


@dataclass
class Site:
    """What all loads on one server share."""

    name: str
    server: Server
    cluster: Cluster
    walk: Walk
    #: None: the server stores nothing
    books: Books | None = None
    #: opens the server's metrics; None: it has none, or no commits
    metrics_token: str | None = None
    #: requests sent whose answer nobody waited for: they may be stored or not
    abandoned: int = 0

    def __post_init__(self) -> None:
        self._periods_before = self.books and self.books.count_periods()

    def measured(self, send: Callable[[], Load], *, records: int = 1) -> Sample:
        """Load the site. The rate and the CPU time are of records, of which each request holds so many.

        Raises:
            WrongAnswers: requests were not answered as wanted, or acknowledged reports are not stored.
        """
        stored = self.books.count_reports() if self.books else 0
        commits = self._commits()
        before = self._cpu_seconds()
        load = send()
        after = self._cpu_seconds()
        wait_until_quiet(self.server.pid)
        self.abandoned += load.abandoned
        check_answers(self.name, load)
        if self.books:
            stored = self.books.count_reports() - stored
            check_stored(self.name, load, stored, observations=self.books.observations)
        count = load.requests * records
        app, database = (1e6 * (later - then) / count for later, then in zip(after, before, strict=True))
        return Sample(
            rate=load.rate * records,
            p50_ms=load.p50_ms,
            p99_ms=load.p99_ms,
            slowest_ms=load.slowest_ms,
            app_us=app,
            database_us=database if self.books else None,
            mean_batch=now.mean_since(commits) if commits and (now := self._commits()) else None,
        )

    def check_periods(self) -> None:
        """Compare the periods that all loads together have made with those that the walk has sent.

        Raises:
            WrongAnswers: there are others.
        """
        if self.books is None or self._periods_before is None:
            return
        made = (self.books.count_periods() or 0) - self._periods_before
        sent = self.walk.versions_sent() * self.books.observations
        if not sent - self.abandoned * self.books.observations <= made <= sent:
            raise WrongAnswers(f"{self.name}: {sent} new versions were reported, but {made} periods stored.")

    def _commits(self) -> Commits | None:
        return read_commits(self.server.url, self.metrics_token) if self.metrics_token else None

    def _cpu_seconds(self) -> tuple[float, float]:
        return cpu_seconds(self.server.pid), cpu_seconds(self.cluster.pid)


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One kind of load on a site."""

    site: Site
    #: what load.lua reads
    requests: Path
    connections: int
    mode: Mode = Mode.WALK

    def warm_up(self, *, passes: int, seconds: int) -> None:
        """Let every device report so often, in loads of some seconds: caches fill, pools open, first periods too."""
        walk = self.site.walk
        goal = walk.position + passes * walk.devices
        for _ in range(_WARM_UPS):
            if walk.position >= goal:
                return
            self.measure(seconds)
        raise CannotMeasure(f"{self.site.name} is too slow to warm up: {walk.position} requests so far.")

    def measure_warm(self, seconds: int) -> Sample:
        """Let every device report once before the load: the server forgets a credential after some minutes."""
        self.warm_up(passes=1, seconds=min(seconds, 2))
        return self.measure(seconds)

    def measure(self, seconds: int) -> Sample:
        return self.site.measured(lambda: self.send(seconds))

    def send(self, seconds: int) -> Load:
        """Load the site, and look at nothing but wrk's own figures."""
        return drive(
            self.site.server.url,
            self.requests,
            self.site.walk,
            seconds=seconds,
            connections=self.connections,
            mode=self.mode,
        )


def check_answers(name: str, load: Load) -> None:
    """Refuse a load in which not every request was answered, and well."""
    if load.requests == 0:
        raise CannotMeasure(f"{name}: not one request was answered in {load.seconds:.0f} s.")
    if load.wrong:
        raise WrongAnswers(f"{name}: {load.wrong} of {load.requests} answers had a status that was not wanted.")


def check_stored(name: str, load: Load, stored: int, *, observations: int = 1) -> None:
    """Refuse a load that lost acknowledged reports, or made some up; abandoned requests may be stored or not.

    Each request holds that many `observations`.
    """
    least, most = load.requests * observations, (load.requests + load.abandoned) * observations
    if not least <= stored <= most:
        raise WrongAnswers(
            f"{name}: {load.requests} reports were acknowledged and {load.abandoned} abandoned, "
            f"{observations} observations each, but {stored} stored."
        )


def _count(url: str, statement: LiteralString) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(statement).fetchone()
    assert row
    return int(row[0])
