"""`./dev bench instructions`: how many instructions a request costs the server's process. See README.md."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench import lineup
from bench.command import exit_code_of, say
from bench.commits import TOKEN_VARIABLE, Commits, read_commits
from bench.errors import CannotMeasure, WrongAnswers
from bench.fleet import Device, bearer, make_fleet, store_history, store_viewer
from bench.load import Load
from bench.machine import describe_machine
from bench.once import send_all, visits
from bench.processes import Server, running
from bench.requests import agents_batch, report, request
from bench.stage import Stage, open_stage
from bench.tokens import fetch_tokens
from bench.walk import Walk

RESULTS = Path(__file__).with_name("results")
DEVICES = 640
REQUESTS = 1280
#: how many times longer than usual a server under valgrind may take to start and to stop
_PATIENCE = 8
#: over all devices, before anything counts: statements are prepared then, and keys and boots known
_WARM_PASSES = 2
#: more would wait for a connection to the database until they are refused, so slow is the server
_READERS = 8
_WIDTH = 120
_TOTALS = re.compile(r"^totals: (\d+)", re.MULTILINE)


class Request(StrEnum):
    """What is measured."""

    APPLICATION = "an echo on aiohttp's Application"
    SERVER = "an echo on web.Server"
    OURS = "an echo on our HTTP floor, body as a model"
    BASIC = "a report, Basic"
    BEARER = "a report, Bearer"
    BATCH = "the agent's batch, Basic"
    DEVICE = "a device read"
    HISTORY = "a history of ten periods read"


@dataclass(frozen=True)
class Subject:
    """A server, and what is asked of it."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]
    #: one for each device
    requests: Sequence[str]
    connections: int = lineup.CONNECTIONS


@dataclass(frozen=True)
class Count:
    """What one request of a kind cost."""

    instructions: float
    #: None: it stores nothing
    mean_batch: float | None


def main() -> int:
    options = _options()
    return exit_code_of(lambda: _benchmark(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench instructions")
    names = [kind.name.lower() for kind in Request]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="KIND", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each kind in each round (%(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"where to write ({RESULTS.name}/)")
    return parser.parse_args()


def _benchmark(options: argparse.Namespace) -> None:
    if not shutil.which("valgrind"):
        raise CannotMeasure("valgrind counts the instructions: apt install valgrind")
    started = dt.datetime.now(dt.UTC)
    kinds = [kind for kind in Request if kind is Request.APPLICATION or kind.name.lower() in options.only]
    fleet = make_fleet(min(DEVICES, options.requests))
    console = Console(width=_WIDTH)
    with open_stage() as stage:
        counts = {kind: _measure(stage, fleet, kind, options) for kind in kinds}
        facts = {
            "measured": f"{started:%Y-%m-%d %H:%M} UTC, by callgrind, the median of {options.rounds} rounds of "
            f"{options.requests} requests over {lineup.CONNECTIONS} connections (reads: {_READERS})",
            **describe_machine(stage.cluster, stage.folder),
        }
    with console.capture() as captured:
        console.print(_table(counts))
        for name, fact in facts.items():
            console.print(f"- {name}: {fact}", highlight=False, soft_wrap=True)
    text = "\n".join(["# Instructions", *map(str.rstrip, captured.get().splitlines()), ""])
    sys.stdout.write(text)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "instructions.md").write_text(text, encoding="utf-8")


def _measure(stage: Stage, fleet: list[Device], kind: Request, options: argparse.Namespace) -> Count:
    say(kind)
    subject = SUBJECTS[kind](stage, fleet)
    folder = stage.folder / kind.name
    folder.mkdir()
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out"]
    # A seed of its own would put dicts of strings into another order in each run.
    environment = {**subject.environment, "PYTHONHASHSEED": "1"}
    walk = Walk(len(fleet))
    with running([*valgrind, *subject.command], environment, patience=_PATIENCE) as server:

        def send(count: int) -> Load:
            requests = visits(server.url, subject.requests, walk, count=count)
            return send_all(server.url, [*requests], connections=subject.connections)

        send(_WARM_PASSES * len(fleet))  # The slow server may refuse some of them as too many.
        before = _commits(server, subject)
        for _ in range(options.rounds):
            _control(server, "--instr=on")
            if wrong := send(options.requests).wrong:
                raise WrongAnswers(f"{kind}: {wrong} of {options.requests} requests were refused.")
            _control(server, "--instr=off")
            _control(server, "--dump")
        after = _commits(server, subject)
        totals = [_total(folder / f"out.{number + 1}") for number in range(options.rounds)]
    mean_batch = after.mean_since(before) if before and after else None
    return Count(statistics.median(totals) / options.requests, mean_batch)


def _control(server: Server, order: str) -> None:
    done = subprocess.run(["callgrind_control", order, str(server.pid)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(f"callgrind_control {order}: {done.stderr or done.stdout}")


def _total(file: Path) -> int:
    found = _TOTALS.search(file.read_text(encoding="utf-8"))
    if not found:
        raise CannotMeasure(f"callgrind wrote no total into {file.name}.")
    return int(found[1])


def _commits(server: Server, subject: Subject) -> Commits | None:
    token = subject.environment.get(TOKEN_VARIABLE)
    return read_commits(server.url, token) if token else None


def _echo(kind: str) -> Callable[[Stage, list[Device]], Subject]:
    def subject(_: Stage, fleet: list[Device]) -> Subject:
        return Subject(*lineup.echo_command(kind), [*map(report, fleet)])

    return subject


def _server(stage: Stage, name: str, fleet: list[Device], requests: Sequence[str]) -> Subject:
    return Subject(lineup.SERVER, lineup.our_environment(lineup.our_database(stage, name, fleet)), requests)


def _basic(stage: Stage, fleet: list[Device]) -> Subject:
    return _server(stage, "basic", fleet, [*map(report, fleet)])


def _bearer(stage: Stage, fleet: list[Device]) -> Subject:
    subject = _server(stage, "bearer", fleet, [])
    with running(subject.command, subject.environment) as server:
        tokens = fetch_tokens(server.url, fleet)
    return replace(subject, requests=[*map(report, fleet, map(bearer, tokens))])


def _batch(stage: Stage, fleet: list[Device]) -> Subject:
    return _server(stage, "batch", fleet, [*map(agents_batch, fleet)])


def _read(name: str, path: str) -> Callable[[Stage, list[Device]], Subject]:
    def subject(stage: Stage, fleet: list[Device]) -> Subject:
        url = lineup.our_database(stage, name, fleet)
        store_history(url, devices=len(fleet), periods=9)
        authorization = store_viewer(url)
        requests = [request(f"GET {device.path}{path}", [authorization]) for device in fleet]
        return Subject(lineup.SERVER, lineup.our_environment(url), requests, _READERS)

    return subject


SUBJECTS: Mapping[Request, Callable[[Stage, list[Device]], Subject]] = {
    Request.APPLICATION: _echo("application"),
    Request.SERVER: _echo("server"),
    Request.OURS: _echo("ours"),
    Request.BASIC: _basic,
    Request.BEARER: _bearer,
    Request.BATCH: _batch,
    Request.DEVICE: _read("device", ""),
    Request.HISTORY: _read("history", "/firmware_version"),
}


def _table(counts: Mapping[Request, Count]) -> Table:
    table = Table(box=MARKDOWN)
    table.add_column("a request")
    for heading in ("instructions", "of the echo's", "reports a commit"):
        table.add_column(heading, justify="right")
    echo = counts[Request.APPLICATION].instructions
    for kind, count in counts.items():
        batch = f"{count.mean_batch:.1f}" if count.mean_batch else ""
        table.add_row(kind, f"{count.instructions:,.0f}", f"{count.instructions / echo:.2f}", batch)
    return table


if __name__ == "__main__":
    sys.exit(main())
