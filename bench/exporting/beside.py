"""Reports beside exports that follow one another: their rate and p99 as shares of those alone, in rounds."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median

from bench.command import say
from bench.exporting.figure import Figure
from bench.exporting.reading import export
from bench.fleet import Device
from bench.lineup import CONNECTIONS
from bench.load import Load
from bench.requests import report, write_requests
from bench.site import Contestant, Site
from bench.stage import Stage
from bench.walk import Walk
from firmtrail_contract import CSV_TYPE

_ROUNDS, _QUICK_ROUNDS = 5, 1
#: longer than an export that rests
_SECONDS, _QUICK_SECONDS = 15, 4
_SECONDS_ALONE = 5
#: as many report again and again, so that a row is written 30 times a second while an export's snapshot is open
FEW_DEVICES = 500
_WHOLE = "/v1/projects/current/firmware_history"
_RESUMABLE = f"{_WHOLE}?resumable=true"


def reports_beside_exports(
    stage: Stage, site: Site, fleet: list[Device], authorization: str, *, quick: bool
) -> list[Figure]:
    """Let all devices report, and then a few as often as all did."""
    all_of_them, few = (_reports(stage, site, devices) for devices in (fleet, fleet[:FEW_DEVICES]))
    rate, p99 = _shares(all_of_them, authorization, _WHOLE, quick=quick)
    of_few, p99_of_few = _shares(few, authorization, _WHOLE, quick=quick)
    resumable, p99_resumable = _shares(few, authorization, _RESUMABLE, quick=quick)
    return [
        Figure("reports beside an export / alone", rate, at_least=0.85),
        Figure("p99 of reports beside an export / alone", p99, at_most=3),
        Figure(f"reports of {FEW_DEVICES} devices beside an export / alone", of_few),
        Figure("p99 of them", p99_of_few),
        Figure(f"reports of {FEW_DEVICES} devices beside a resumable export / alone", resumable),
        Figure("p99 of these", p99_resumable),
    ]


def _reports(stage: Stage, site: Site, fleet: list[Device]) -> Contestant:
    requests = write_requests(stage.folder / f"{len(fleet)}.requests", map(report, fleet))
    return Contestant(site=replace(site, walk=Walk(len(fleet))), requests=requests, connections=CONNECTIONS)


def _shares(load: Contestant, authorization: str, path: str, *, quick: bool) -> tuple[float, float]:
    """Give the rate and the p99 beside exports, by the mean of the loads before and after; medians of the rounds."""
    say(f"reports of {load.site.walk.devices:,} devices beside exports of {path}")
    seconds = _QUICK_SECONDS if quick else _SECONDS
    alone, rates, p99s = load.measure_warm(_SECONDS_ALONE), list[float](), list[float]()
    for _ in range(_QUICK_ROUNDS if quick else _ROUNDS):
        before = alone
        load.warm_up(passes=1, seconds=2)
        beside = load.site.measured(lambda: _beside_exports(load, authorization, path, seconds))
        alone = load.measure_warm(_SECONDS_ALONE)
        rates.append(2 * beside.rate / (before.rate + alone.rate))
        p99s.append(2 * beside.p99_ms / (before.p99_ms + alone.p99_ms))
        say(f"{beside.rate:,.0f} a second, between {before.rate:,.0f} and {alone.rate:,.0f} alone: {rates[-1]:.2f}")
    return median(rates), median(p99s)


def _beside_exports(load: Contestant, authorization: str, path: str, seconds: int) -> Load:
    with _exporting(load.site, authorization, path):
        return load.send(seconds)


@contextmanager
def _exporting(site: Site, authorization: str, path: str) -> Generator[None]:
    done = threading.Event()

    def go_on() -> None:
        while not done.is_set():
            export(site.server, authorization, path, {"Accept": CSV_TYPE}, site.cluster.pid)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
