"""Load by wrk, and what it has counted."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bench.errors import CannotMeasure, WrongAnswers
from bench.walk import Walk

SCRIPT = Path(__file__).with_name("load.lua")
#: longer than anything measured here takes to answer
_ANSWER_SECONDS = 60
_PAIR = re.compile(r"(\w+)=(\S+)")


class Mode(StrEnum):
    """How load.lua goes about it."""

    WALK = "walk"
    #: one request for ever, to see what the script itself costs
    STILL = "still"
    #: a walk whose every request has to be answered by 401
    REFUSED = "refused"


@dataclass(frozen=True)
class Load:
    """What wrk says of one run."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    #: answers of another status than wanted: below 400, or 401 where that is the mode
    wrong: int
    #: connections that could not be made, or broke
    broken: int
    #: requests sent and not yet answered at the end
    abandoned: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def drive(  # noqa: PLR0913  a load has that many sides
    url: str, requests: Path, walk: Walk, *, seconds: int, connections: int, mode: Mode = Mode.WALK
) -> Load:
    """Send a walk's next visits to a server for some seconds.

    Args:
        url: the server's address, without a path.
        requests: the fleet's requests, see load.lua.
        walk: moved on by what was sent.
        seconds: how long.
        connections: how many at once; one thread serves them all.
        mode: what is sent, and what is wanted.

    Raises:
        CannotMeasure: wrk is missing or fails.
        WrongAnswers: connections broke.
    """
    arguments = [str(requests), str(walk.position), mode, str(walk.change_every)]
    command = [find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_ANSWER_SECONDS}s"]
    done = subprocess.run([*command, "-s", SCRIPT, url, "--", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMeasure(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    before = walk.position
    load, position = parsed(done.stdout, before)
    if load.broken:
        raise WrongAnswers(f"{load.broken} connections to {url} failed: did the server end?")
    if mode is not Mode.STILL:
        walk.position = position
    return load


def parsed(output: str, position: int) -> tuple[Load, int]:
    """Read what load.lua prints at its end: what was counted since `position`, and the position now."""
    line = next((line for line in output.splitlines() if line.startswith("counted ")), None)
    if line is None:
        raise CannotMeasure(f"wrk did not say what it has counted:\n{output}")
    counted = {name: float(value) for name, value in _PAIR.findall(line)}
    requests, reached = int(counted["requests"]), int(counted["position"])
    load = Load(
        requests=requests,
        seconds=counted["seconds"],
        p50_ms=counted["p50_ms"],
        p99_ms=counted["p99_ms"],
        slowest_ms=counted["slowest_ms"],
        wrong=int(counted["wrong"]),
        broken=int(counted["broken"]),
        abandoned=max(0, reached - position - requests),
    )
    return load, reached


def find_wrk() -> str:
    """Find wrk.

    Raises:
        CannotMeasure: it is not installed.
    """
    if wrk := shutil.which("wrk"):
        return wrk
    raise CannotMeasure("wrk, the load generator, is not installed: apt install wrk (Debian, Ubuntu) gets it.")
