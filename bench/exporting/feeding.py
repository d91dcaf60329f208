"""The feed: how fast changes get numbers, what a page and a thousand waiters cost; then reports beside exports."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlsplit

import httpx
import psycopg

from bench.cluster import Cluster
from bench.command import say
from bench.cpu import cpu_seconds
from bench.exporting.beside import reports_beside_exports
from bench.exporting.figure import Figure
from bench.fleet import make_fleet, store_history, store_viewer
from bench.lineup import our_database, our_site
from bench.processes import Server
from bench.reports import DEVICES, QUICK_DEVICES
from bench.stage import open_stage

_CHANGES, _QUICK_CHANGES = 200_000, 20_000
_PAGES = 50
_WAITERS = 1_000
_SECONDS, _QUICK_SECONDS = 15, 4
_FEED = "/v1/projects/current/firmware_changes"


def measure(*, quick: bool) -> list[Figure]:
    """Measure in a database of its own, in which half of the devices report."""
    seconds = _QUICK_SECONDS if quick else _SECONDS
    with open_stage() as stage:
        fleet = make_fleet(QUICK_DEVICES if quick else DEVICES)
        url = our_database(stage, "feed", fleet)
        say("storing a history")
        store_history(url, devices=2 * len(fleet))
        authorization = store_viewer(url)
        site = our_site(stage, "feed", fleet, url)
        return [
            _numbering(url, site.server, authorization, _QUICK_CHANGES if quick else _CHANGES),
            _pages(site.server, authorization),
            _waiters(site.server, authorization, stage.cluster, seconds),
            *reports_beside_exports(stage, site, fleet, authorization, quick=quick),
        ]


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


def _get(server: Server, authorization: str, query: str, *, timeout: float = 60) -> httpx.Response:
    headers = _headers(authorization)
    return httpx.get(f"{server.url}{_FEED}?{query}", headers=headers, timeout=timeout).raise_for_status()


def _headers(authorization: str) -> dict[str, str]:
    name, _, value = authorization.partition(": ")
    return {name: value}
