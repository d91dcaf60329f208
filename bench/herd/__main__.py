"""`./dev bench herd`: ten thousand agents, each with the agent's own schedule, live through what makes herds.

Nothing is timed: the same seed gives the same numbers on every machine. See ../README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.box import MARKDOWN, SIMPLE, Box
from rich.console import Console
from rich.table import Table

from bench.command import say
from bench.herd.outcome import FLEET, Outcome, live
from bench.herd.picture import draw
from bench.herd.situations import situations
from bench.rows import Row

RESULTS = Path(__file__).parents[1] / "results"
QUICK_DEVICES = 500
_WIDTH = 140
_HEADINGS = ("peak, requests/s", "allowed", "verdict", "versions ran", "lost", "twice")


def main() -> int:
    options = _options()
    outcomes: list[Outcome] = []
    for situation in situations():
        say(situation.name)
        outcomes.append(live(situation, options.devices))
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(_table(outcomes, SIMPLE))
    if options.results:
        _write(outcomes, options.results)
    return int(any(outcome.lost or outcome.twice for outcome in outcomes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench herd")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DEVICES} devices, no files")
    parser.add_argument("--devices", type=int, help=f"({FLEET})")
    parser.add_argument("--results", type=Path, help=f"where to write herd.json, .md and .svg ({RESULTS.name}/)")
    options = parser.parse_args()
    if options.results is None and not options.quick:
        options.results = RESULTS
    options.devices = options.devices or (QUICK_DEVICES if options.quick else FLEET)
    return options


def _table(outcomes: Sequence[Outcome], box: Box) -> Table:
    table = Table(box=box)
    table.add_column(f"{outcomes[0].devices:,} devices")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for one in outcomes:
        allowed = "" if one.allowed is None else f"{one.allowed:g}"
        rates = (f"{one.peak:.1f}", allowed, _verdict(one))
        table.add_row(one.name, *rates, f"{one.transitions:,}", str(one.lost), str(one.twice))
    return table


def _verdict(outcome: Outcome) -> str:
    if outcome.allowed is None or outcome.devices < FLEET:  # chance makes the peaks of a small fleet high
        return ""
    return "met" if outcome.kept else "MISSED"


def capacity(folder: Path) -> str:
    """Say what one server process takes of such requests: batches of devices that it does not remember."""
    try:
        raw = json.loads((folder / "reports.json").read_text(encoding="utf-8"))
        rate = statistics.median(measured[Row.COLD_BATCH]["rate"] for measured in raw["rounds"])
    except (OSError, KeyError, ValueError):
        return "What one server process takes of them: see `./dev bench reports`, which has not been run here."
    return (
        f"One server process takes {rate:,.0f} of them a second, each an agent's batch of a device that it does not "
        f"remember ({raw['facts']['measured']}, [reports.md](reports.md))."
    )


def _write(outcomes: Sequence[Outcome], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        console.print(_table(outcomes, MARKDOWN))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    page = "\n".join(["# Herd", *lines, "", capacity(folder), "", "![Requests a second over time](herd.svg)", ""])
    (folder / "herd.md").write_text(page, encoding="utf-8")
    (folder / "herd.svg").write_text(draw(outcomes), encoding="utf-8")
    raw = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
    (folder / "herd.json").write_text(raw + "\n", encoding="utf-8")
    say(f"written to {folder}")


if __name__ == "__main__":
    sys.exit(main())
