"""A result as people read it, and as programs do."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import MARKDOWN, SIMPLE, Box
from rich.console import Console
from rich.table import Table

from bench.fleet_questions.measuring import Outcome, Sample
from bench.fleet_questions.storage import Storage

_OURS = ("target ms", "p50 ms", "p95 ms", "in PostgreSQL ms", "buffers", "verdict")
_PEERS = ("SQL beside it ms", "its buffers", "times ours", "verdict of the ratio")
_NOT_THERE = "not there"
_MB = 1e6
_KB = 1e3


@dataclass(frozen=True)
class Result:
    """All that a run has found."""

    #: the machine, the versions, the fleet
    facts: Mapping[str, str]
    outcomes: Sequence[Outcome]
    storage: Storage


def verdict_of(outcome: Outcome) -> str:
    """Judge the median answer over HTTP. What is not there has no time, and meets nothing."""
    target_ms = outcome.question.target_ms
    if outcome.not_there is not None:
        return _NOT_THERE
    if target_ms is None:
        return ""
    return "met" if median(outcome.samples, _p50) <= target_ms else "MISSED"


def median(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> float:
    """Take the median of the rounds."""
    return statistics.median(map(figure, samples))


def p95_ms(samples: Sequence[Sample]) -> float:
    """Of all calls of all rounds."""
    times_ms = [time for sample in samples for time in sample.times_ms]
    return statistics.quantiles(times_ms, n=20)[-1] if len(times_ms) > 1 else times_ms[0]


def ratio(outcome: Outcome) -> float | None:
    """How many times longer the straightforward SQL keeps PostgreSQL busy: the median of the rounds' ratios."""
    pairs = zip(outcome.peer_samples, outcome.samples, strict=False)
    return statistics.median(peer.database_ms / ours.database_ms for peer, ours in pairs) if outcome.samples else None


def show(result: Result, console: Console, *, box: Box = SIMPLE) -> None:
    console.print(_questions(result.outcomes, box))
    console.print(_storage(result.storage, box))
    for why, names in _not_there(result.outcomes).items():
        console.print(f"- {_NOT_THERE}: {'; '.join(names)}: {why}", highlight=False)
    for name, fact in result.facts.items():
        console.print(f"- {name}: {fact}", highlight=False)


def write(result: Result, folder: Path) -> None:
    """Write fleet.md and fleet.json."""
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        show(result, console, box=MARKDOWN)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    (folder / "fleet.md").write_text("\n".join(["# Fleet questions", *lines, ""]), encoding="utf-8")
    raw = {
        "facts": result.facts,
        "questions": [_raw(outcome) for outcome in result.outcomes],
        "storage": asdict(result.storage),
    }
    (folder / "fleet.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")


def _raw(outcome: Outcome) -> dict[str, Any]:
    question = outcome.question
    return {
        "question": question.name,
        "path": question.path,
        "query": question.query,
        "target_ms": question.target_ms,
        "verdict": verdict_of(outcome),
        "not_there": outcome.not_there,
        "rounds": [asdict(sample) for sample in outcome.samples],
        "plans": outcome.plans,
        "sql_beside_it": {
            "statement": question.peer.statement,
            "rounds": [asdict(sample) for sample in outcome.peer_samples],
            "plans": outcome.peer_plans,
        },
    }


def _not_there(outcomes: Sequence[Outcome]) -> Mapping[str, list[str]]:
    """Group what is not there by the reason."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.not_there is not None:
            found.setdefault(outcome.not_there, []).append(outcome.question.name)
    return found


def _questions(outcomes: Sequence[Outcome], box: Box) -> Table:
    rounds = len(outcomes[0].peer_samples)
    table = Table(box=box)
    table.add_column(f"median of {rounds} round{'s' if rounds > 1 else ''}")
    for heading in (*_OURS, *_PEERS):
        table.add_column(heading, justify="right")
    for outcome in outcomes:
        table.add_row(outcome.question.name, *_ours(outcome), *_beside(outcome))
    return table


def _ours(outcome: Outcome) -> list[str]:
    target_ms, samples = outcome.question.target_ms, outcome.samples
    target = "" if target_ms is None else f"<= {target_ms:g}"
    if not samples:
        return [target, "", "", "", "", verdict_of(outcome)]
    times = (median(samples, _p50), p95_ms(samples), median(samples, _database_ms))
    return [target, *map(_figure, times), f"{median(samples, _buffers):,.0f}", verdict_of(outcome)]


def _beside(outcome: Outcome) -> list[str]:
    samples, times = outcome.peer_samples, ratio(outcome)
    figures = [_figure(median(samples, _database_ms)), f"{median(samples, _buffers):,.0f}"]
    wanted = outcome.question.times
    verdict = "" if times is None or wanted is None else "met" if times >= wanted else f"MISSED, {wanted:g} wanted"
    return [*figures, "" if times is None else _figure(times), verdict]


def _storage(storage: Storage, box: Box) -> Table:
    table = Table(box=box)
    for heading in ("storage, with indexes", ""):
        table.add_column(heading, justify="right" if not heading else "left")
    for name, size in storage.tables.items():
        table.add_row(f"{name}, MB", f"{size / _MB:,.1f}")
    table.add_row("device-years", f"{storage.device_years:,.0f}")
    table.add_row("a device-year, kB", f"{storage.device_year / _KB:,.1f}")
    table.add_row("a row for every report, bytes", f"{storage.report_row:,.0f}")
    table.add_row(
        f"a device-year of a row an hour for each of {storage.components} components, kB",
        f"{storage.reports_device_year / _KB:,.0f}",
    )
    table.add_row("times ours", f"{storage.reports_device_year / storage.device_year:,.0f}")
    return table


def _p50(sample: Sample) -> float:
    return sample.p50_ms


def _database_ms(sample: Sample) -> float:
    return sample.database_ms


def _buffers(sample: Sample) -> float:
    return sample.buffers


def _figure(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:,.1f}"
