"""A result as people read it: the rows, the targets, the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.box import MARKDOWN, SIMPLE, Box
from rich.console import Console
from rich.table import Table

from bench.rows import Round, Row, median_sample
from bench.targets import Verdict

_HEADINGS = (
    *("requests/s", "p50 ms", "p99 ms", "slowest ms"),
    *("CPU µs, app", "CPU µs, PostgreSQL", "reports a commit"),
)
_MARKDOWN_WIDTH = 400
_WHOLE_FROM = 100
_MET = {True: "met", False: "MISSED", None: "not measured"}


@dataclass(frozen=True)
class Result:
    """All that a run has found."""

    #: the machine, the versions, how long was measured
    facts: Mapping[str, str]
    rounds: Sequence[Round]
    verdicts: Sequence[Verdict]


def show(result: Result, console: Console, *, box: Box = SIMPLE) -> None:
    console.print(_rows(result.rounds, box))
    console.print(_targets(result.verdicts, box))
    for name, fact in result.facts.items():
        console.print(f"- {name}: {fact}", highlight=False)


def as_markdown(result: Result, title: str) -> str:
    console = Console(width=_MARKDOWN_WIDTH, color_system=None)
    with console.capture() as captured:
        show(result, console, box=MARKDOWN)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([f"# {title}", *lines, ""])


def _rows(rounds: Sequence[Round], box: Box) -> Table:
    table = Table(box=box)
    table.add_column(f"median of {len(rounds)} round{'s' if len(rounds) > 1 else ''}")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for row in Row:
        if row in rounds[0]:
            sample = median_sample([measured[row] for measured in rounds])
            times = (sample.p50_ms, sample.p99_ms, sample.slowest_ms)
            figures = (sample.rate, *times, sample.app_us, sample.database_us, sample.mean_batch)
            table.add_row(row, *map(_figure, figures))
    return table


def _targets(verdicts: Sequence[Verdict], box: Box) -> Table:
    table = Table(box=box)
    table.add_column("ratio within a round")
    for heading in ("target", "median", "lowest", "highest", "verdict"):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        ratios = verdict.ratios
        figures = (verdict.median, min(ratios, default=None), max(ratios, default=None))
        table.add_row(verdict.target.text, verdict.target.bounds, *map(_figure, figures), _verdict(verdict))
    return table


def _verdict(verdict: Verdict) -> str:
    return "" if verdict.target.is_comparison and verdict.ratios else _MET[verdict.met]


def _figure(figure: float | None) -> str:
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= _WHOLE_FROM else f"{figure:.2f}"
