"""`./dev bench fleet`: what the questions about a fleet cost, beside the straightforward SQL. See ../README.md."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

import psycopg
from rich.console import Console

from bench.cluster import READ_COMMITTED
from bench.command import exit_code_of, say
from bench.fleet import basic
from bench.fleet_questions.answers import DeviceYears, work_out
from bench.fleet_questions.cache import Stored, stored_fleet
from bench.fleet_questions.fleet import Fleet
from bench.fleet_questions.ledger import Ledger
from bench.fleet_questions.lineup import line_up
from bench.fleet_questions.measuring import Api, Bench, Outcome
from bench.fleet_questions.questions import Question
from bench.fleet_questions.result import Result, show, write
from bench.fleet_questions.rollouts import COMPONENTS
from bench.fleet_questions.storage import storage_of
from bench.lineup import SERVER, our_environment
from bench.machine import describe_machine
from bench.processes import running
from firmtrail_server.auth.credentials import SecretPrefix, hash_secret, new_secret

RESULTS = Path(__file__).parents[1] / "results"
CACHE = Path(tempfile.gettempdir()) / "firmtrail-bench-fleet"
DEVICES, QUICK_DEVICES = 100_000, 2000
ROUNDS, QUICK_ROUNDS = 6, 2
#: of the tables where there is no terminal
_WIDTH = 200


def main() -> int:
    options = options_of(sys.argv[1:])
    return exit_code_of(lambda: _benchmark(options))


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench fleet")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_DEVICES} devices, {QUICK_ROUNDS} rounds, no files"
    )
    parser.add_argument("--devices", type=int, help=f"of the big project; another number writes no files ({DEVICES})")
    parser.add_argument("--rounds", type=int, help=f"({ROUNDS})")
    parser.add_argument("--fresh", action="store_true", help="make the fleet again, also if it is there")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where fleets are kept (%(default)s)")
    parser.add_argument("--results", type=Path, help=f"where to write fleet.json and fleet.md ({RESULTS.name}/)")
    options = parser.parse_args(arguments)
    if options.results is None and not options.quick and options.devices in (None, DEVICES):
        options.results = RESULTS
    options.devices = options.devices or (QUICK_DEVICES if options.quick else DEVICES)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return options


def _benchmark(options: argparse.Namespace) -> None:
    fleet = Fleet(options.devices)
    with stored_fleet(options.cache, fleet, fresh=options.fresh) as stored:
        result = _measure(stored, fleet, options)
    show(result, Console(width=None if sys.stdout.isatty() else _WIDTH))
    if options.results:
        write(result, options.results)
        say(f"written to {options.results}")


def _measure(stored: Stored, fleet: Fleet, options: argparse.Namespace) -> Result:
    started, url = dt.datetime.now(dt.UTC), stored.url
    # Statements go as psql sends them. What is sent apart from its parameters is counted only when the next one comes.
    with psycopg.connect(url, autocommit=True, options=READ_COMMITTED, cursor_factory=psycopg.ClientCursor) as peers:
        questions = line_up(fleet)
        years = _answered(questions, fleet)
        with running(SERVER, our_environment(url)) as server:
            api = Api(server.url, viewer(url, fleet))
            bench = Bench(api, peers, Ledger(stored.cluster, url, stored.log))
            outcomes = _outcomes(bench, questions, options.rounds)
    say("measuring the storage")
    storage = storage_of(url, years, len(COMPONENTS))
    facts = {
        "measured": f"{started:%Y-%m-%d %H:%M} UTC, {options.rounds} rounds",
        "fleet": _described(url),
        **describe_machine(stored.cluster, stored.folder),
    }
    return Result(facts, outcomes, storage)


def _answered(questions: Sequence[Question], fleet: Fleet) -> float:
    """Work out all answers without the database, and how many years all devices have reported."""
    say("working out what must be answered")
    years, (big, beside) = DeviceYears(), fleet.projects
    work_out([years, *(question.answer for question in questions)], fleet.devices_of(big))
    work_out([years], fleet.devices_of(beside))
    return years.found


def _outcomes(bench: Bench, questions: Sequence[Question], rounds: int) -> list[Outcome]:
    say("comparing the answers")
    outcomes = [bench.prepare(question) for question in questions]
    for number in range(rounds):  # forward in one round and backward in the next: a machine may tire while it works
        say(f"round {number + 1} of {rounds}")
        for outcome in reversed(outcomes) if number % 2 else outcomes:
            bench.measure(outcome)
    return outcomes


def viewer(url: str, fleet: Fleet) -> str:
    """Give the big project a key that may read everything, and return its header line. That of an earlier run goes."""
    key_id, secret = uuid.uuid4(), new_secret(SecretPrefix.PROJECT)
    with psycopg.connect(url) as conn:
        conn.execute("delete from api_keys where project_id = %(project_id)s", {"project_id": fleet.big.id})
        conn.execute(
            """
            insert into api_keys (id, project_id, role, secret_hash)
            values (%(id)s, %(project_id)s, 'viewer', %(secret_hash)s)
            """,
            {"id": key_id, "project_id": fleet.big.id, "secret_hash": hash_secret(secret)},
        )
    return basic(key_id, secret)


def _described(url: str) -> str:
    with psycopg.connect(url) as conn:
        counts = conn.execute(
            """
            select (select count(*) from devices), (select count(*) from device_firmware_periods),
                   (select count(*) from device_firmware)
            """
        ).fetchone()
    assert counts
    return "{:,} devices in two projects, {:,} closed and {:,} open periods".format(*counts)


if __name__ == "__main__":
    sys.exit(main())
