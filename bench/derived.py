"""`./dev bench derived`: what a report costs more for the tables and indexes that answer questions about fleets.

The server's own statement is run as it is, and without what it writes for these questions alone: `device_versions` and
the feed's inbox. The database of the second also lacks the two indexes of closed periods. What both do for silence is
two columns of a row that they write anyway. CPU is that of the backend, its commits included. What a report costs in
the server's process is measured before, as for the row "ours, Basic" of `reports`.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, LiteralString, cast

import attrs
import psycopg
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench import lineup
from bench.command import exit_code_of, say
from bench.cpu import PROC
from bench.errors import CannotMeasure, WrongAnswers
from bench.fleet import Device, make_fleet, store_fleet, store_history
from bench.load import find_wrk
from bench.rows import Row
from bench.stage import open_stage
from firmtrail_contract import ObservedAtSource
from firmtrail_contract.reports import ObservedMoment
from firmtrail_server.db import Link
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.queries.reports import Report, extend_histories

DEVICES, ROUNDS, REPORTS = 2000, 8, 4000
#: as many as the server gathers into a commit when it is busy
_TOGETHER = 30
#: new versions among the reports: none, as many as the fleet of `./dev bench fleet` has, as many as `reports` sends
_SHARES = {"0 %": 0.0, "0.2 %, the fleet's own": 0.002, "10 %": 0.1}
#: of load on the server, to learn what a report costs in its process
_SECONDS = 4
_DERIVED = ("changed", "fed")


class WithoutDerived(Link):
    """Leaves out what the statement writes for questions about fleets."""

    async def run(self, statement: LiteralString, parameters: Mapping[str, str]) -> list[tuple[Any, ...]]:
        return await super().run(without_derived(statement), parameters)


@attrs.frozen
class Side:
    """A database and what reports to it."""

    link: Link
    #: of the backend
    pid: int
    fleet: list[Device]
    #: what each device runs
    versions: list[str]

    def cpu_ns(self) -> int:
        return int((PROC / str(self.pid) / "schedstat").read_text().split()[0])


def without_derived(statement: LiteralString) -> LiteralString:
    """Cut the parts out of the statement.

    Raises:
        CannotMeasure: it has none of that name any more.
    """
    left: str = statement
    for name in _DERIVED:
        left, found = re.subn(rf"\n +{name} as \(\n.*?\n        \),", "", left, flags=re.DOTALL)
        if found != 1:
            raise CannotMeasure(f"The statement of reports has no part {name}: bench/derived.py must follow it.")
    return cast("LiteralString", left)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench derived", description=__doc__)
    parser.add_argument("--devices", type=int, default=DEVICES, help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="(%(default)s)")
    parser.add_argument("--reports", type=int, default=REPORTS, help="in a round (%(default)s)")
    options = parser.parse_args()
    return exit_code_of(lambda: _benchmark(options))


def _benchmark(options: argparse.Namespace) -> None:
    find_wrk()
    fleet = make_fleet(options.devices)
    with open_stage() as stage:
        app_us = lineup.ours(stage, fleet)[Row.BASIC](_SECONDS).app_us
        assert app_us is not None
        urls = [stage.cluster.create(name, with_tables=True) for name in ("with", "without")]
        for url in urls:
            say("storing devices with a past of fifty periods each")
            store_fleet(url, fleet)
            store_history(url, devices=len(fleet))
            _store_versions(url)
        with psycopg.connect(urls[1], autocommit=True) as conn:
            conn.execute("drop index device_firmware_periods_span_idx, device_firmware_periods_version_idx")
        _show(asyncio.run(_compared(urls, fleet, options)), app_us)


def _store_versions(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into device_versions (project_id, component, device_id, version, since)
            select project_id, component, device_id, version, first_reported_at
              from device_firmware
            """
        )


async def _compared(
    urls: list[str], fleet: list[Device], options: argparse.Namespace
) -> dict[str, list[tuple[float, float]]]:
    links = [Link(urls[0]), WithoutDerived(urls[1])]
    try:
        return await _measured(links, fleet, options)
    finally:
        for link in links:
            await link.close()


async def _measured(
    links: list[Link], fleet: list[Device], options: argparse.Namespace
) -> dict[str, list[tuple[float, float]]]:
    """Measure microseconds a report, with and without, in each round, by the share of new versions."""
    sides = [Side(link, await _pid(link), fleet, ["0.9.0"] * len(fleet)) for link in links]
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in _SHARES}
    for number in range(options.rounds + 1):
        say(f"round {number} of {options.rounds}" if number else "warming up")
        for name, share in _SHARES.items():
            spent = [await _spent(side, share, number, options.reports) for side in sides]
            if number:
                measured[name].append((spent[0], spent[1]))
    return measured


async def _pid(link: Link) -> int:
    [(pid,)] = await Link.run(link, "select pg_backend_pid()", {})
    return pid


async def _spent(side: Side, share: float, seed: int, reports: int) -> float:
    """Report, each device in turn, and return the microseconds of a report; the same changes on both sides."""
    random, before = Random(f"{share} {seed}"), side.cpu_ns()  # noqa: S311  it shall be foreseeable
    for first in range(0, reports, _TOGETHER):
        now = dt.datetime.now(dt.UTC)
        some: list[Report] = []
        for number in range(first, min(first + _TOGETHER, reports)):
            place = number % len(side.fleet)
            if random.random() < share:
                side.versions[place] = f"{share}.{seed}.{number}"
            some.append(_report(side.fleet[place], side.versions[place], now))
        if not all(await extend_histories(side.link, some)):
            raise WrongAnswers("A report was not stored.")
    return (side.cpu_ns() - before) / 1000 / reports


def _report(device: Device, version: str, now: dt.datetime) -> Report:
    moment = ObservedMoment(at=now, source=ObservedAtSource.SERVER)
    return Report(Sender(device.key_id, device.id, None), now, Record(moment, moment, [("main", version)]))


def _show(measured: Mapping[str, Sequence[tuple[float, float]]], app_us: float) -> None:
    table = Table("new versions", "with, µs", "without, µs", "times", "of the whole report", box=MARKDOWN)
    for name, rounds in measured.items():
        with_, without = (statistics.median(side) for side in zip(*rounds, strict=True))
        times = statistics.median(one / other for one, other in rounds)
        table.add_row(
            name,
            f"{with_:.1f}",
            f"{without:.1f}",
            f"{times:.2f}",
            f"{(times - 1) * without / (app_us + without):+.1%}",
        )
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(table)
    console.print(f"The whole report has {app_us:.1f} µs of the server's process besides.", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
