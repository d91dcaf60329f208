"""The feed: how fast changes get numbers, what a page and a thousand waiters cost; and reports beside an export."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import psycopg

from bench.cluster import Cluster, running_cluster
from bench.command import say
from bench.cpu import cpu_seconds, wait_until_quiet
from bench.exporting.reading import export
from bench.fleet import make_fleet, store_fleet, store_history, store_viewer
from bench.lineup import CONNECTIONS, SERVER, our_environment
from bench.load import Load, drive
from bench.processes import Server, running
from bench.requests import report, write_requests
from bench.walk import Walk
from firmtrail_contract import CSV_TYPE

_CHANGES, _QUICK_CHANGES = 200_000, 20_000
_PAGES = 50
_WAITERS = 1_000
_SECONDS, _QUICK_SECONDS = 15, 4
_REPORTING = 500
_DEVICES, _QUICK_DEVICES = 20_000, 2_000
_FEED = "/v1/projects/current/firmware_changes"
_EXPORT = "/v1/projects/current/firmware_history"


@dataclass(frozen=True)
class Figure:
    """What was measured, and what is wanted of it."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def verdict(self) -> str:
        met = (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )
        return "met" if met else "MISSED"

    @property
    def target(self) -> str:
        return f"<= {self.at_most:,g}" if self.at_most is not None else f">= {self.at_least:,g}"


def measure(*, quick: bool) -> list[Figure]:
    """Measure in a database of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own where this is root
        with running_cluster(folder / "cluster") as cluster:
            url = cluster.create("feed", with_tables=True)
            fleet = make_fleet(_REPORTING)
            store_fleet(url, fleet)
            say("storing a history")
            store_history(url, devices=_QUICK_DEVICES if quick else _DEVICES)
            requests = write_requests(folder / "requests", map(report, fleet))
            with running(SERVER, our_environment(url)) as server:
                authorization = store_viewer(url)
                seconds = _QUICK_SECONDS if quick else _SECONDS
                figures = [
                    _numbering(url, server, authorization, _QUICK_CHANGES if quick else _CHANGES),
                    _pages(server, authorization),
                    _waiters(server, authorization, cluster, seconds),
                ]
                walk = Walk(len(fleet))
                load = lambda: drive(server.url, requests, walk, seconds=seconds, connections=CONNECTIONS)  # noqa: E731
                return [*figures, *_beside_an_export(load, server, authorization, cluster)]


def _numbering(url: str, server: Server, authorization: str, count: int) -> Figure:
    """Let one request number what lies in the inbox."""
    say(f"numbering {count:,} changes")
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into firmware_changes_new (project_id, device_id, change_number, component, kind, version,
                   first_reported_at, period_id, tie_rank, recorded_at)
            select project_id, id, n, 'main', 'opened', '1.' || n, now(), gen_random_uuid(), 0, now()
              from (select id, project_id from devices order by id limit 1000) as chosen,
                   generate_series(1, %(each)s) as n
            """,
            {"each": count // 1_000},
        )
    began = time.perf_counter()
    _get(server, authorization, "after=0&limit=1", timeout=600)
    return Figure("numbering, changes a second", count / (time.perf_counter() - began), at_least=20_000)


def _pages(server: Server, authorization: str) -> Figure:
    say("reading pages")
    times = list[float]()
    with httpx.Client(base_url=server.url, headers=_headers(authorization)) as client:
        for number in range(_PAGES):
            began = time.perf_counter()
            client.get(f"{_FEED}?after={number * 100}").raise_for_status()
            times.append(1_000 * (time.perf_counter() - began))
    return Figure("a page of 100 changes, ms, median", median(times), at_most=10)


def _waiters(server: Server, authorization: str, cluster: Cluster, seconds: int) -> Figure:
    say(f"{_WAITERS:,} wait")
    last = _get(server, authorization, "after=0&limit=1").json()
    while last["items"]:
        last = _get(server, authorization, f"after={last['last_number']}&limit=1000").json()
    address = urlsplit(server.url)
    asked = (
        f"GET {_FEED}?after={last['last_number']}&wait_seconds=300 HTTP/1.1\r\nHost: bench\r\n{authorization}\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(_WAITERS):
            waiter = stack.enter_context(socket.create_connection((address.hostname or "", address.port or 0)))
            waiter.sendall(asked.encode())
        time.sleep(seconds / 2)  # until all of them have been authorised
        before = cpu_seconds(server.pid) + cpu_seconds(cluster.pid)
        time.sleep(seconds)
        used = cpu_seconds(server.pid) + cpu_seconds(cluster.pid) - before
    return Figure(f"{_WAITERS:,} that wait, share of a core", used / seconds, at_most=0.01)


def _beside_an_export(
    load: Callable[[], Load], server: Server, authorization: str, cluster: Cluster
) -> Generator[Figure]:
    """Report alone, beside exports one after the other, and alone again."""
    say("reports beside an export")
    load()
    wait_until_quiet(server.pid)
    before = load()
    with _exporting(server, authorization, cluster):
        beside = load()
    after = load()
    alone = (before.rate + after.rate) / 2
    yield Figure("reports beside an export / alone", beside.rate / alone, at_least=0.85)
    slowest = beside.p99_ms / ((before.p99_ms + after.p99_ms) / 2)
    yield Figure("p99 of reports beside an export / alone", slowest, at_most=3)


@contextmanager
def _exporting(server: Server, authorization: str, cluster: Cluster) -> Generator[None]:
    done = threading.Event()

    def go_on() -> None:
        while not done.is_set():
            export(server, authorization, _EXPORT, {"Accept": CSV_TYPE}, cluster.pid)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _get(server: Server, authorization: str, query: str, *, timeout: float = 60) -> httpx.Response:
    headers = _headers(authorization)
    return httpx.get(f"{server.url}{_FEED}?{query}", headers=headers, timeout=timeout).raise_for_status()


def _headers(authorization: str) -> dict[str, str]:
    name, _, value = authorization.partition(": ")
    return {name: value}
