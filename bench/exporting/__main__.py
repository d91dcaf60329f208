"""`./dev bench export`: every way to export the generated fleet, beside `psql COPY`. See ../README.md."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from bench.cluster import Cluster
from bench.command import exit_code_of, say
from bench.errors import WrongAnswers
from bench.exporting.feeding import measure
from bench.exporting.figure import Figure
from bench.exporting.reading import Reading, copy_with_psql, export
from bench.fleet_questions.__main__ import CACHE, DEVICES, QUICK_DEVICES, viewer
from bench.fleet_questions.cache import Stored, stored_fleet
from bench.fleet_questions.fleet import Fleet
from bench.lineup import SERVER, our_environment
from bench.load import find_wrk
from bench.machine import describe_machine
from bench.processes import Server, running
from firmtrail_contract import ARROW_TYPE, CSV_TYPE, NDJSON_TYPE

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS, QUICK_ROUNDS = 5, 2
PATH = "/v1/projects/current/firmware_history"
PSQL = "psql COPY"
#: of the rate of psql COPY
_TARGETS = {"Arrow": 1.0, "CSV": 0.8, "NDJSON": 0.8}
_RESUMABLE_TARGET = 0.2
_GROWN_AT_MOST = 40
_PAGE_WIDTH = 200
_TYPES = {"NDJSON": NDJSON_TYPE, "CSV": CSV_TYPE, "Arrow": ARROW_TYPE}
#: a longer one than the default, for slow machines
_SECONDS = "600"

Ways = dict[str, Callable[[], Reading]]


def main() -> int:
    options = options_of(sys.argv[1:])
    return exit_code_of(lambda: _benchmark(options))


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench export")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_DEVICES} devices, {QUICK_ROUNDS} rounds, no files"
    )
    parser.add_argument("--devices", type=int, help=f"of the big project; another number writes no files ({DEVICES})")
    parser.add_argument("--rounds", type=int, help=f"({ROUNDS})")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where fleets are kept (%(default)s)")
    parser.add_argument("--results", type=Path, help=f"where to write export.json and export.md ({RESULTS.name}/)")
    options = parser.parse_args(arguments)
    if options.results is None and not options.quick and options.devices in (None, DEVICES):
        options.results = RESULTS
    options.devices = options.devices or (QUICK_DEVICES if options.quick else DEVICES)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return options


def _benchmark(options: argparse.Namespace) -> None:
    find_wrk()  # before the minutes that everything else takes
    fleet = Fleet(options.devices)
    with stored_fleet(options.cache, fleet, fresh=False) as stored:
        environment = {**our_environment(stored.url), "FIRMTRAIL_EXPORT_SECONDS": _SECONDS}
        with running(SERVER, environment) as server:
            ways = _ways(stored, server, fleet)
            _check(ways)
            rounds = [_round(ways, number, options.rounds) for number in range(options.rounds)]
        facts = describe_machine(stored.cluster, stored.folder)
    figures = measure(quick=options.quick)
    tables = [_table(rounds), _table_of_figures(figures)]
    for table in tables:
        Console(width=None if sys.stdout.isatty() else 100).print(table)
    if options.results:
        _write(options.results, facts, rounds, figures, tables)


def _ways(stored: Stored, server: Server, fleet: Fleet) -> Ways:
    authorization, database = viewer(stored.url, fleet), stored.cluster.pid
    ways: Ways = {PSQL: lambda: copy_with_psql(stored.url, fleet.big.id, database)}
    for name, media_type in _TYPES.items():
        for suffix, query, more in (
            ("", "", {}),
            (", zstd", "", {"Accept-Encoding": "zstd"}),
            (", resumable", "?resumable=true", {}),
        ):
            headers = {"Accept": media_type, **more}
            ways[name + suffix] = _export(server, authorization, PATH + query, headers, stored.cluster)
    return ways


def _export(
    server: Server, authorization: str, path: str, headers: dict[str, str], cluster: Cluster
) -> Callable[[], Reading]:
    return lambda: export(server, authorization, path, headers, cluster.pid)


def _check(ways: Ways) -> None:
    """Read every way once, which also warms up.

    Raises:
        WrongAnswers: they have not all the same number of rows.
    """
    say("comparing the numbers of rows")
    rows = {name: read().rows for name, read in ways.items()}
    if len({count for count in rows.values() if count is not None}) != 1:
        raise WrongAnswers(f"The numbers of rows differ: {rows}")


def _round(ways: Ways, number: int, rounds: int) -> dict[str, Reading]:
    """Read every way, forward in one round and backward in the next: a machine may tire while it works."""
    say(f"round {number + 1} of {rounds}")
    names = [*ways] if number % 2 == 0 else [*reversed(ways)]
    return {name: ways[name]() for name in names}


def _table(rounds: list[dict[str, Reading]]) -> Table:
    rows = rounds[0][PSQL].rows or 0
    table = Table(title=f"{rows:,} rows, medians of {len(rounds)} rounds; share is of psql COPY of the same round")
    table.caption = "CPU is of each process, µs a row; the client of psql COPY is psql"
    for heading in ("way", "rows/s", "share", "target", "server", "PostgreSQL", "client", "sum", "server grew, MiB"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name in sorted(rounds[0], key=[PSQL, *_names()].index):
        of_rounds = [one[name] for one in rounds]
        ratio = median(one[PSQL].seconds / one[name].seconds for one in rounds)
        rate = rows / median(one.seconds for one in of_rounds)
        parts = [(one.server_cpu, one.database_cpu, one.client_cpu) for one in of_rounds]
        cpu = [f"{1e6 * median(values) / rows:.2f}" for values in (*zip(*parts, strict=True), map(sum, parts))]
        target = _target_of(name)
        verdict = "" if target is None else f">= {target:g}: {_verdict(is_met=ratio >= target)}"
        table.add_row(name, f"{rate:,.0f}", f"{ratio:.2f}", verdict, *cpu, _grown(name, of_rounds))
    return table


def _target_of(name: str) -> float | None:
    """Compressed ones have none: they are for lines that are slower than this machine."""
    return _RESUMABLE_TARGET if name.endswith("resumable") else _TARGETS.get(name)


def _grown(name: str, readings: list[Reading]) -> str:
    most = max(one.grown for one in readings)
    return "" if name == PSQL else f"{most:.0f}, <= {_GROWN_AT_MOST}: {_verdict(is_met=most <= _GROWN_AT_MOST)}"


def _verdict(*, is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def _table_of_figures(figures: list[Figure]) -> Table:
    table = Table(title="the feed, and reports beside an export")
    for heading in ("what", "value", "target", "verdict"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.target, figure.verdict)
    return table


def _names() -> list[str]:
    return [f"{name}{suffix}" for name in _TYPES for suffix in ("", ", zstd", ", resumable")]


def _write(
    folder: Path, facts: dict[str, str], rounds: list[dict[str, Reading]], figures: list[Figure], tables: list[Table]
) -> None:
    measured = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    content = {
        "facts": {"measured": measured, **facts},
        "rounds": [{name: vars(reading) for name, reading in one.items()} for one in rounds],
        "figures": [vars(figure) for figure in figures],
    }
    (folder / "export.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    written = io.StringIO()
    page = Console(width=_PAGE_WIDTH, file=written)
    for table in tables:
        table.box = MARKDOWN
        page.print(table)
    text = "".join(f"{line.strip()}\n" for line in written.getvalue().splitlines())
    machine = "".join(f"- {name}: {fact}\n" for name, fact in facts.items())
    (folder / "export.md").write_text(f"# Exports and the feed\n\n{text}\n{machine}", encoding="utf-8")
    say(f"written to {folder}/export.json and export.md")


if __name__ == "__main__":
    sys.exit(main())
