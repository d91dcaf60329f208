"""`./dev bench reports`: how many reports a second one server process stores, beside what it could be compared with.

Everything is started here, warmed up, and measured in rounds, one row after the other, so that whatever else the
machine does weighs on all of them. See README.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import lineup, peers
from bench.cold import cold
from bench.command import exit_code_of, say
from bench.fleet import Device, make_fleet
from bench.load import find_wrk
from bench.machine import describe
from bench.offline import offline
from bench.rows import Round, Row
from bench.stage import Stage, open_stage
from bench.table import Result, as_markdown, show
from bench.targets import verdicts

RESULTS = Path(__file__).with_name("results")
DEVICES = 10_000
QUICK_DEVICES = 1000
#: of the tables where there is no terminal
_WIDTH = 160


#: what is measured beside the echo and our warm server, which everything is compared with
GROUPS: Mapping[str, Callable[[Stage, list[Device]], lineup.Measures]] = {
    "reports": lineup.others,
    "floors": lineup.floors,
    "rare": lineup.rare_changes,
    "batches": lineup.batches,
    "cold": cold,
    "offline": offline,
    "open": lineup.with_open_transaction,
    "reads": lineup.reads,
    "peers": peers.all_peers,
    "big": lineup.big,
}


def main() -> int:
    options = options_of(sys.argv[1:])
    return exit_code_of(lambda: _benchmark(options))


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench reports")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--seconds", type=int, default=4, help="of each row in each round (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="the bare echo and ours alone, a small fleet, no files")
    parser.add_argument("--only", choices=GROUPS, help="one group of rows beside the echo and ours, no files")
    parser.add_argument("--skip-big", action="store_true", help="without the 5 million periods")
    parser.add_argument("--skip-peers", action="store_true", help="without Django and gooseBit")
    parser.add_argument("--results", type=Path, help=f"where to write reports.json and reports.md ({RESULTS.name}/)")
    options = parser.parse_args(arguments)
    if options.results is None and not (options.quick or options.only):
        options.results = RESULTS
    return options


def _benchmark(options: argparse.Namespace) -> None:
    find_wrk()  # before the minutes that everything else takes
    result = _measure(options)
    show(result, Console(width=None if sys.stdout.isatty() else _WIDTH))
    if options.results:
        _write(result, options.results)


def _measure(options: argparse.Namespace) -> Result:
    started = dt.datetime.now(dt.UTC)
    with open_stage() as stage:
        measures = _line_up(stage, options)
        rounds = [_round(measures, options, number) for number in range(options.rounds)]
        stage.check_periods()
        facts = {
            "measured": f"{started:%Y-%m-%d %H:%M} UTC, {options.rounds} rounds of {options.seconds} s a row",
            **describe(stage),
        }
    return Result(facts, rounds, verdicts(rounds))


def _line_up(stage: Stage, options: argparse.Namespace) -> lineup.Measures:
    fleet = make_fleet(QUICK_DEVICES if options.quick else DEVICES)
    measures = {**lineup.echo(stage, fleet), **lineup.ours(stage, fleet)}
    for group in chosen(options):
        measures |= GROUPS[group](stage, fleet)
    return measures


def chosen(options: argparse.Namespace) -> Collection[str]:
    """Name the groups to measure."""
    if options.only:
        return [options.only]
    skipped = {name for name in ("big", "peers") if getattr(options, f"skip_{name}")}
    return [] if options.quick else [name for name in GROUPS if name not in skipped]


def _round(measures: lineup.Measures, options: argparse.Namespace, number: int) -> Round:
    """Measure every row, forward in one round and backward in the next: a machine may tire while it works."""
    say(f"round {number + 1} of {options.rounds}")
    rows = [row for row in Row if row in measures]
    return {row: measures[row](options.seconds) for row in (reversed(rows) if number % 2 else rows)}


def _write(result: Result, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "reports.md").write_text(as_markdown(result, "Reports"), encoding="utf-8")
    raw = {
        "facts": result.facts,
        "rounds": [{row: asdict(sample) for row, sample in measured.items()} for measured in result.rounds],
        "targets": [
            {
                "ratio": verdict.target.text,
                "target": verdict.target.bounds,
                "median": verdict.median,
                "met": verdict.met,
                "of_each_round": verdict.ratios,
            }
            for verdict in result.verdicts
        ],
    }
    (folder / "reports.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
    say(f"written to {folder}")


if __name__ == "__main__":
    sys.exit(main())
