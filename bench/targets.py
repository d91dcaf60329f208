"""What has to hold, nearly all as ratios of rows of one round: the machine's other work weighs on both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.rows import Round, Row


@dataclass(frozen=True)
class Target:
    """A ratio, and the bounds it must keep."""

    text: str
    ratio: Callable[[Round], float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bounds(self) -> str:
        parts = [(">=", self.at_least), ("<=", self.at_most)]
        return ", ".join(f"{sign} {bound:,g}" for sign, bound in parts if bound is not None)

    @property
    def is_comparison(self) -> bool:
        """Whether any ratio will do."""
        return self.at_least is None and self.at_most is None

    def allows(self, ratio: float) -> bool:
        return (self.at_least is None or ratio >= self.at_least) and (self.at_most is None or ratio <= self.at_most)


@dataclass(frozen=True)
class Verdict:
    """What became of a target; None where a row was not measured."""

    target: Target
    #: one a round
    ratios: list[float]

    @property
    def median(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def met(self) -> bool | None:
        return self.target.allows(self.median) if self.median is not None else None


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """Judge every target by the median of its ratios."""
    return [Verdict(target, [*_ratios(target, rounds)]) for target in TARGETS]


def _ratios(target: Target, rounds: Sequence[Round]) -> Sequence[float]:
    try:
        return [target.ratio(measured) for measured in rounds]
    except KeyError:  # a row that was not measured
        return []


def _rate(over: Row, under: Row) -> Callable[[Round], float]:
    return lambda measured: measured[over].rate / measured[under].rate


def _app_cpu(over: Row, under: Row) -> Callable[[Round], float]:
    return lambda measured: (measured[over].app_us or 0) / (measured[under].app_us or 1)


def _p50(over: Row, *under: Row) -> Callable[[Round], float]:
    return lambda measured: measured[over].p50_ms / sum(measured[row].p50_ms for row in under)


TARGETS = [
    Target("reports / bare echo, Basic (the goal: 0.75)", _rate(Row.BASIC, Row.ECHO), at_least=0.65),
    Target("CPU of an echo on web.Server / on Application", _app_cpu(Row.ECHO_SERVER, Row.ECHO)),
    Target("CPU of an echo on our HTTP floor / on Application", _app_cpu(Row.ECHO_OURS, Row.ECHO)),
    Target("reports / bare echo, Bearer", _rate(Row.BEARER, Row.ECHO), at_least=0.75),
    Target("one new version in 500 reports / one in ten", _rate(Row.RARE, Row.BASIC)),
    Target("the agent's batches / reports", _rate(Row.BATCH, Row.BASIC), at_least=0.6),
    Target("the agent's batches, Basic, cold / reports, warm", _rate(Row.COLD_BATCH, Row.BASIC), at_least=0.5),
    Target(
        "records a second, offline batches of 32 devices", lambda measured: measured[Row.OFFLINE_32].rate, at_least=5000
    ),
    Target("devices read / bare echo", _rate(Row.DEVICE, Row.ECHO), at_least=0.08),
    Target("histories of ten periods read / bare echo", _rate(Row.HISTORY, Row.ECHO), at_least=0.08),
    Target("CPU of a report / of a bare echo, in the app, Basic", _app_cpu(Row.BASIC, Row.ECHO), at_most=1.35),
    Target("CPU of a report / of a bare echo, in the app, Bearer", _app_cpu(Row.BEARER, Row.ECHO), at_most=1.35),
    Target("reports / pgbench's single-row INSERTs", _rate(Row.BASIC, Row.PGBENCH), at_least=1),
    Target("reports / the Django peer's", _rate(Row.BASIC, Row.DJANGO), at_least=1000),
    Target("reports / the Django peer's, with cache", _rate(Row.BASIC, Row.DJANGO_CACHED), at_least=12),
    Target("reports / gooseBit's", _rate(Row.BASIC, Row.GOOSEBIT)),
    Target("with 5 million periods stored / empty tables", _rate(Row.BIG, Row.BASIC), at_least=0.9),
    Target(
        "1 connection: p50 of a report / of one INSERT plus one bare echo",
        _p50(Row.BASIC_ALONE, Row.INSERT_ALONE, Row.ECHO_ALONE),
        at_most=1.35,
    ),
    Target("unknown key id / wrong secret, p50", _p50(Row.UNKNOWN_ID, Row.WRONG_SECRET), at_least=0.9, at_most=1.1),
    Target("reports beside an open transaction / without", _rate(Row.OPEN, Row.BASIC)),
    Target("the agent's batches beside an open transaction / without", _rate(Row.OPEN_BATCH, Row.BATCH)),
    Target("gathered / not gathered", _rate(Row.BASIC, Row.UNGATHERED)),
    Target("the load's script / one request for ever", _rate(Row.ECHO, Row.ECHO_STILL)),
]
