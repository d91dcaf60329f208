"""`./dev bench profile`: in which part of the server the CPU time of a report goes. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench import lineup
from bench.command import exit_code_of
from bench.errors import CannotMeasure
from bench.fleet import make_fleet
from bench.load import find_wrk
from bench.machine import describe
from bench.rows import Sample
from bench.servers.profiled import OTHER, PARTS
from bench.stage import open_stage

RESULTS = Path(__file__).with_name("results")
DEVICES = 10_000
_PATIENCE_SECONDS = 10
_WIDTH = 120


def main() -> int:
    options = _options()
    return exit_code_of(lambda: _benchmark(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench profile")
    parser.add_argument("--seconds", type=int, default=20, help="of load (%(default)s)")
    parser.add_argument("--devices", type=int, default=DEVICES, help="(%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write profile.md ({RESULTS.name}/)")
    return parser.parse_args()


def _benchmark(options: argparse.Namespace) -> None:
    console = Console(width=_WIDTH)
    with console.capture() as captured:
        _profile(options, console)
    text = "\n".join(["# Where a report's time goes", *map(str.rstrip, captured.get().splitlines()), ""])
    sys.stdout.write(text)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "profile.md").write_text(text, encoding="utf-8")


def _profile(options: argparse.Namespace, console: Console) -> None:
    find_wrk()
    fleet = make_fleet(options.devices)
    with open_stage() as stage:
        file = stage.folder / "samples.json"
        measure, server = lineup.profiled(stage, fleet, file)
        measure(1)  # from now on all is warm
        os.kill(server.pid, signal.SIGUSR2)
        sample = measure(options.seconds)
        os.kill(server.pid, signal.SIGUSR2)
        console.print(_table(_read(file), sample))
        facts = {"measured": f"{options.seconds} s of reports, 64 connections, Basic", **describe(stage)}
    for name, fact in facts.items():
        console.print(f"- {name}: {fact}", highlight=False)


def _read(file: Path) -> Mapping[str, int]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return json.loads(text)
        time.sleep(0.1)
    raise CannotMeasure("The server did not write its samples.")


def _table(samples: Mapping[str, int], sample: Sample) -> Table:
    table = Table(box=MARKDOWN)
    count = sum(samples.values())
    table.add_column(f"part of the server, by {count:,} samples")
    table.add_column("share", justify="right")
    table.add_column("CPU µs a report", justify="right")
    for part in sorted([*PARTS, OTHER], key=lambda one: -samples.get(one, 0)):
        share = samples.get(part, 0) / count
        table.add_row(part, f"{share:.0%}", f"{share * (sample.app_us or 0):.1f}")
    table.add_row("all", "", f"{sample.app_us:.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
