"""What the load has seen of an event, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import attrs

from tools.ha.load import Answered
from tools.ha.sdk_clients import Called

#: a shorter pause is the rhythm of the load
_RHYTHM_SECONDS = 1
_COLUMNS = (
    "event",
    "longest pause, s",
    "last refusal after, s",
    "reports acknowledged",
    "requests refused, sent once",
    "SDK calls failed, with its retries",
)


@attrs.frozen
class Outcome:
    """An event, as clients saw it."""

    event: str
    #: the longest time without an acknowledgement
    pause_seconds: float
    #: from the fault until the last refusal, or the end of the longest pause
    recovered_seconds: float
    acknowledged: int
    #: requests of the load, which are sent once, by status; 0 is no answer
    refused: Counter[int]
    calls: int
    #: by the names of their errors
    failed_calls: Counter[str]


def outcome(event: str, began: float, ended: float, answered: Sequence[Answered], called: Sequence[Called]) -> Outcome:
    """Sum up what happened between two moments of time.monotonic."""
    within = [one for one in answered if began <= one.at <= ended]
    good = [one.at for one in within if one.is_good]
    pause, pause_end = max((after - before, after) for before, after in pairwise([began, *good, ended]))
    last_refusal = max((one.at for one in within if not one.is_good), default=began)
    calls = [one for one in called if began <= one.at <= ended]
    return Outcome(
        event,
        pause,
        max(last_refusal, pause_end if pause > _RHYTHM_SECONDS else began) - began,
        sum(one.reports for one in within if one.is_good),
        Counter(one.status for one in within if not one.is_good),
        len(calls),
        Counter(one.error for one in calls if one.error is not None),
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Write a line for each event, the longest times of all rounds."""
    names = list(dict.fromkeys(one.event for one in outcomes))
    lines = [_line(name, [one for one in outcomes if one.event == name]) for name in names]
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|", *lines])


def _line(event: str, rounds: Sequence[Outcome]) -> str:
    refused = sum((one.refused for one in rounds), Counter[int]())
    told = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(refused.items())) or "0"
    pause = max(one.pause_seconds for one in rounds)
    recovered = max(one.recovered_seconds for one in rounds)
    failed = sum(sum(one.failed_calls.values()) for one in rounds)
    calls = f"{failed} of {sum(one.calls for one in rounds):,}"
    acknowledged = sum(one.acknowledged for one in rounds)
    return f"| {event} | {pause:.1f} | {recovered:.1f} | {acknowledged:,} | {told} | {calls} |"


@attrs.frozen
class Speed:
    """How fast reports were stored."""

    reports_a_second: float
    median_ms: float


def speed(answered: Sequence[Answered], seconds: float) -> Speed:
    good = [one for one in answered if one.is_good]
    return Speed(sum(one.reports for one in good) / seconds, 1000 * median(one.seconds for one in good))
