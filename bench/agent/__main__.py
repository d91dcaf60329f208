"""`./dev bench agent`: what the agent costs a device, beside the least that a report could cost. See ../README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from rich.box import MARKDOWN, SIMPLE, Box
from rich.console import Console
from rich.table import Table

from bench.agent.figures import Figure
from bench.agent.neighbours import Measured, measure_all
from bench.agent.references import curl_report, python_with
from bench.agent.running import Agent, exit_ms, lay_out, running
from bench.agent.wire import Wire, make_certificate
from bench.command import exit_code_of, say

RESULTS = Path(__file__).parents[1] / "results"
#: what is reported by the hour makes a day
_DAY = 24
_STARTS = 9
_START, _MEMORY, _WAKEUPS, _EXIT = (
    "CPU until it is ready, ms",
    "memory after a report, MB",
    "wake-ups a second when idle",
    "SIGTERM to exit, ms",
)
#: the agent, on a device whose DNS server never answers
_DNS_HUNG = """
import socket, threading
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
from firmtrail_agent.cli import main
main()
"""


def main() -> int:
    options = _options()
    return exit_code_of(lambda: _benchmark(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench agent")
    parser.add_argument("--quick", action="store_true", help="300 reports, 10 s idle, no files")
    parser.add_argument("--reports", type=int, help="after which growth is looked at (10,000)")
    parser.add_argument("--idle-seconds", type=int, help="(120)")
    parser.add_argument("--results", type=Path, help=f"where to write agent.json and agent.md ({RESULTS.name}/)")
    options = parser.parse_args()
    if options.results is None and not options.quick:
        options.results = RESULTS
    options.reports = options.reports or (300 if options.quick else 10_000)
    options.idle_seconds = options.idle_seconds or (10 if options.quick else 120)
    return options


def _benchmark(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="firmtrail-bench-") as folder:
        figures = asyncio.run(_measure(Path(folder), reports=options.reports, idle_seconds=options.idle_seconds))
        neighbours = asyncio.run(measure_all(Path(folder), options.idle_seconds))
    ours = {figure.name: figure.measured for figure in figures}
    neighbours.insert(0, Measured("firmtrail-agent", *(ours[name] for name in (_START, _MEMORY, _WAKEUPS, _EXIT))))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(_table(figures, SIMPLE), _beside(neighbours, SIMPLE))
    if options.results:
        _write(figures, neighbours, options.results)


async def _measure(folder: Path, *, reports: int, idle_seconds: float) -> list[Figure]:
    certificate, modules = make_certificate(folder), folder / "modules"
    lay_out(modules)
    async with Wire().open(certificate) as wire:
        say("references")
        bare, imports = python_with("pass", modules), python_with("import httpx, attrs, cattrs", modules)
        curl_cpu, curl_bytes = await curl_report(wire, certificate, modules)
        start = await _start_cpu_ms(folder, modules, wire, certificate)
        say("how long it takes to stop while DNS hangs")
        hung = await _exit_ms_while_dns_hangs(folder, modules, certificate)
        async with running(folder / "device", modules, wire.url, certificate) as agent:
            rss_ready, cpu_ready = agent.rss_mb(), agent.cpu_ms()
            first = await _report(agent, wire)
            first_cpu = agent.cpu_ms() - cpu_ready
            say(f"idle for {idle_seconds} s")
            wakeups = await _idle(agent, idle_seconds)
            later = await _report(agent, wire)  # the connection was idle too long, so this is what one an hour costs
            say("what it writes")
            online_writes, online_bytes = await _writes(agent, wire)
            agent.install("1.5.0")
            update_writes, update_bytes = await _writes(agent, wire, count=1)
            wire.is_away = True
            offline_writes, offline_bytes = await _writes(agent, wire)
            wire.is_away = False
            await _report(agent, wire)
            say(f"{reports} reports")
            rss_early = agent.rss_mb()
            cpu = await _many(agent, wire, reports)
            rss_late = agent.rss_mb()
            end = await exit_ms(agent)
    ours, least = "of bare Python", "of httpx + attrs + cattrs"
    return [
        Figure("memory when ready, MB", rss_ready, 34, {ours: bare.rss_mb, least: imports.rss_mb}),
        Figure(_MEMORY, rss_early, 34, {ours: bare.rss_mb, least: imports.rss_mb}),
        Figure(f"its growth over {reports:,} reports, MB", rss_late - rss_early, 1),
        Figure(_START, start, 110, {ours: bare.cpu_ms, least: imports.cpu_ms}),
        Figure("CPU of the first report, which loads the HTTP library, ms", first_cpu, None),
        Figure("CPU of a report, ms", cpu, 6, {"of curl": curl_cpu}),
        Figure(_WAKEUPS, wakeups, 0.2),
        Figure(_EXIT, end, 2000),
        Figure("the same while DNS hangs, ms", hung, 2000),
        Figure(f"files written on a day online, {_DAY} reports", online_writes, 0),
        Figure("bytes written to the disk on such a day", online_bytes, 0),
        Figure(f"files written on a day offline, {_DAY} rounds", offline_writes, None),
        Figure("bytes written to the disk on such a day offline", offline_bytes, None),
        Figure("files written by an update", update_writes, None),
        Figure("bytes written to the disk by an update", update_bytes, None),
        Figure("bytes on the wire, first report", first, None, {"of curl": curl_bytes}),
        Figure("bytes on the wire, a later one", later, None, {"of curl": curl_bytes}),
    ]


async def _report(agent: Agent, wire: Wire) -> int:
    """Have it report, and say how many bytes that took, until the connection is idle."""
    before = wire.bytes
    agent.report_now()
    await wire.report()
    await asyncio.sleep(0.5)
    return wire.bytes - before


async def _idle(agent: Agent, seconds: float) -> float:
    await asyncio.sleep(6)  # until it has closed its connection
    before, began = agent.wakeups(), time.monotonic()
    await asyncio.sleep(seconds)
    return (agent.wakeups() - before) / (time.monotonic() - began)


async def _writes(agent: Agent, wire: Wire, *, count: int = _DAY) -> tuple[int, int]:
    """Count the files and directories that have changed on the disk, and the bytes that went there."""
    before, bytes_before = agent.written(), agent.disk_bytes()
    for _ in range(count):
        agent.report_now()
        await wire.report()
        await asyncio.sleep(0.1)  # until it has made something of the answer: else a refusal outlasts the next call
    await asyncio.sleep(1)
    changed = {file for file, *_ in agent.written() ^ before}
    return len(changed), agent.disk_bytes() - bytes_before


async def _exit_ms_while_dns_hangs(folder: Path, modules: Path, certificate: Path) -> float:
    url = "https://firmtrail.example"
    async with running(folder / "hung", modules, url, certificate, how=("-c", _DNS_HUNG)) as agent:
        agent.report_now()
        await asyncio.sleep(2)  # until it asks
        return await exit_ms(agent)


async def _start_cpu_ms(folder: Path, modules: Path, wire: Wire, certificate: Path) -> float:
    """Start it some times."""
    spent: list[float] = []
    for number in range(_STARTS):
        async with running(folder / str(number), modules, wire.url, certificate) as agent:
            spent.append(agent.start_cpu_ms)
    return statistics.median(spent)


async def _many(agent: Agent, wire: Wire, count: int) -> float:
    before = agent.cpu_ms()
    for _ in range(count):
        agent.report_now()
        await wire.report()
    return (agent.cpu_ms() - before) / count


def _table(figures: list[Figure], box: Box) -> Table:
    table = Table(box=box)
    table.add_column("")
    for heading in ("measured", "allowed", "verdict"):
        table.add_column(heading, justify="right")
    table.add_column("ratios")
    for one in figures:
        allowed = "" if one.allowed is None else f"<= {one.allowed:g}"
        ratios = ", ".join(f"{one.measured / other:.2f} {name}" for name, other in one.references.items())
        table.add_row(one.name, f"{one.measured:,.2f}", allowed, one.verdict, ratios)
    return table


def _beside(neighbours: list[Measured], box: Box) -> Table:
    table = Table(box=box)
    table.add_column("")
    for heading in ("CPU of the start, ms", "memory, MB", "wake-ups a second", "SIGTERM to exit, ms"):
        table.add_column(heading, justify="right")
    for one in neighbours:
        values = (one.start_cpu_ms, one.rss_mb, one.wakeups, one.exit_ms)
        table.add_row(one.name, *(f"{value:,.2f}" for value in values))
    return table


def _write(figures: list[Figure], neighbours: list[Measured], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(_table(figures, MARKDOWN), "## Beside daemons of Debian", _beside(neighbours, MARKDOWN))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    (folder / "agent.md").write_text("\n".join(["# The agent", *lines, ""]), encoding="utf-8")
    rows = [asdict(figure) | {"verdict": figure.verdict} for figure in figures]
    raw = json.dumps({"figures": rows, "neighbours": [asdict(one) for one in neighbours]}, indent=2)
    (folder / "agent.json").write_text(raw + "\n", encoding="utf-8")
    say(f"written to {folder}")


if __name__ == "__main__":
    sys.exit(main())
