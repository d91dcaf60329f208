"""`./dev bench sdk`: what the SDK adds to httpx, what many calls at once gain, what imports cost. See ../README.md."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich.box import MARKDOWN, SIMPLE, Box
from rich.console import Console
from rich.table import Table

from bench.agent.figures import Figure
from bench.command import exit_code_of, say
from bench.sdk.imports import import_costs
from bench.sdk.loads import Sample, ours_async, ours_sync, raw_async, raw_sync
from bench.sdk.server import running

RESULTS = Path(__file__).parents[1] / "results"
AT_ONCE = 16
#: milliseconds that an answer takes: on this machine, in this building
DELAYS = (0, 20)
_LOADS = {
    ("sync", "httpx"): raw_sync,
    ("sync", "ours"): ours_sync,
    ("async", "httpx"): raw_async,
    ("async", "ours"): ours_async,
}
_KINDS = ("report", "page")
_GOAL = 1.25

#: the samples of one load in each round: by way, by what is called, by delay, by how many at once
Samples = dict[tuple[str, str, str, int, int], list[Sample]]


def main() -> int:
    options = _options()
    return exit_code_of(lambda: _benchmark(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench sdk")
    parser.add_argument("--quick", action="store_true", help="few calls, two rounds, no files")
    parser.add_argument("--rounds", type=int, help="how often all is measured (9)")
    parser.add_argument("--calls", type=int, help="of a load (800)")
    parser.add_argument("--skip-peers", action="store_true", help="without openai and stripe")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 9)
    options.calls = options.calls or (96 if options.quick else 800)
    return options


def _benchmark(options: argparse.Namespace) -> None:
    samples: Samples = defaultdict(list)
    for delay in DELAYS:
        with running(delay) as url:
            for number in range(options.rounds):
                say(f"answers after {delay} ms, round {number + 1} of {options.rounds}")
                _round(samples, url, delay, options.calls)
    say("imports")
    costs = import_costs(options.rounds, with_peers=not options.skip_peers)
    figures = [*_overheads(samples), *_gains(samples), *_imports(costs)]
    Console(width=None if sys.stdout.isatty() else 120).print(_table(figures, SIMPLE))
    if not options.quick:
        _write(figures)


def _round(samples: Samples, url: str, delay: int, calls: int) -> None:
    """Measure each load once; ours and httpx's follow each other, so that a ratio is of one moment."""
    for kind in _KINDS:
        for at_once in (1, AT_ONCE):
            few = calls if at_once > 1 or not delay else max(AT_ONCE, calls // 8)
            for (way, by), load in _LOADS.items():
                samples[way, by, kind, delay, at_once].append(load(kind)(url, few, at_once))


def _overheads(samples: Samples) -> Iterator[Figure]:
    for kind in _KINDS:
        for way in ("sync", "async"):
            for at_once in (1, AT_ONCE):
                ours, raw = (samples[way, by, kind, 0, at_once] for by in ("ours", "httpx"))
                ratio = statistics.median(
                    one.cpu_seconds / other.cpu_seconds for one, other in zip(ours, raw, strict=True)
                )
                name = f"CPU of a {kind}, {way}, {_many(at_once)}: times httpx's"
                yield Figure(name, ratio, _GOAL, {"µs ours": _micros(ours), "µs httpx": _micros(raw)})


def _gains(samples: Samples) -> Iterator[Figure]:
    for delay in DELAYS:
        for kind in _KINDS:
            for way in ("sync", "async"):
                ours, raw = (_gain(samples, way, by, kind, delay) for by in ("ours", "httpx"))
                name = f"{AT_ONCE} at once, {kind}, {way}, answers after {delay} ms: times as fast"
                yield Figure(name, ours, None, {"httpx alone": raw})


def _imports(costs: dict[str, float]) -> Iterator[Figure]:
    for name, cost in costs.items():
        allowed = 200 if name.startswith("the command") else None
        yield Figure(f"{name}: ms of CPU", cost, allowed, {"of httpx": cost / costs["import httpx"]})


def _gain(samples: Samples, way: str, by: str, kind: str, delay: int) -> float:
    alone, together = (samples[way, by, kind, delay, at_once] for at_once in (1, AT_ONCE))
    return statistics.median(one.seconds / many.seconds for one, many in zip(alone, together, strict=True))


def _micros(samples: list[Sample]) -> float:
    return 1e6 * statistics.median(sample.cpu_seconds for sample in samples)


def _many(at_once: int) -> str:
    return "one at a time" if at_once == 1 else f"{at_once} at once"


def _table(figures: list[Figure], box: Box) -> Table:
    table = Table("", "measured", "goal", "beside it", "", box=box)
    for figure in figures:
        beside = ", ".join(f"{name} {value:,.2f}" for name, value in figure.references.items())
        allowed = "" if figure.allowed is None else f"{figure.allowed:g}"
        table.add_row(figure.name, f"{figure.measured:,.2f}", allowed, beside, figure.verdict)
    return table


def _write(figures: list[Figure]) -> None:
    facts = [{"name": one.name, "measured": one.measured, "beside": dict(one.references)} for one in figures]
    (RESULTS / "sdk.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    with (RESULTS / "sdk.md").open("w", encoding="utf-8") as file:
        file.write("# What the SDK costs\n\n")
        Console(file=file, width=200).print(_table(figures, MARKDOWN))


if __name__ == "__main__":
    sys.exit(main())
