"""`./dev bench pages`: the server's time for each page on the fleet of `./dev bench fleet`, and what a browser fetches.

A page is timed as a client beside the server sees it: the request sent, the whole answer read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from bench.command import exit_code_of, say
from bench.errors import WrongAnswers
from bench.fleet_questions.__main__ import CACHE, DEVICES, QUICK_DEVICES, RESULTS
from bench.fleet_questions.cache import stored_fleet
from bench.fleet_questions.fleet import Fleet
from bench.lineup import SERVER, our_environment
from bench.processes import running

ROUNDS, QUICK_ROUNDS = 20, 5
TARGET_MS, TARGET_KB = 150, 60
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_LOADED = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_IMPORTED = re.compile(r'"(/static/[^"]+)"')
_DEVICE = re.compile(r'href="(/devices/[0-9a-f-]{36})')
_SHOWN, _LED = 200, 303
_EMAIL = "bench@firmtrail.example"


@dataclass(frozen=True)
class Timed:
    """A page, and what it took."""

    name: str
    times_ms: Sequence[float]
    #: of the HTML, compressed
    kilobytes: float

    @property
    def line(self) -> str:
        median, most = statistics.median(self.times_ms), max(self.times_ms)
        verdict = "met" if median <= TARGET_MS else "MISSED"
        return f"| {self.name:<40} | {median:>8.1f} | {most:>8.1f} | {self.kilobytes:>6.1f} | {verdict} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench pages")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_DEVICES} devices, {QUICK_ROUNDS} rounds, no file")
    parser.add_argument("--rounds", type=int, help=f"({ROUNDS})")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where fleets are kept (%(default)s)")
    options = parser.parse_args()
    return exit_code_of(lambda: _benchmark(options))


def _benchmark(options: argparse.Namespace) -> None:
    fleet = Fleet(QUICK_DEVICES if options.quick else DEVICES)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    with (
        stored_fleet(options.cache, fleet, fresh=False) as stored,
        running(SERVER, our_environment(stored.url)) as server,
        httpx.Client(base_url=server.url, timeout=120) as browser,
    ):
        _sign_in(browser, stored.url, fleet)
        timed = _timed(browser, f"/projects/{fleet.big.id}", rounds)
        first = _first_view(browser, f"/projects/{fleet.big.id}")
        _forget_the_user(stored.url)
    text = _table(timed, first, fleet, rounds)
    sys.stdout.write(text)
    if not options.quick:
        (RESULTS / "pages.md").write_text(text, encoding="utf-8")
        say(f"written to {RESULTS / 'pages.md'}")


def _sign_in(browser: httpx.Client, url: str, fleet: Fleet) -> None:
    """Become a user who may read the big project, and sign in as a browser does."""
    _forget_the_user(url)
    password = secrets.token_urlsafe()
    answer = browser.post("/v1/users", json={"email": _EMAIL, "name": "Bench", "password": password})
    answer.raise_for_status()
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into project_members (project_id, user_id, role, joined_at)
            select %(project_id)s, id, 'admin', now() from users where email = %(email)s
            """,
            {"project_id": fleet.big.id, "email": _EMAIL},
        )
    found = _TOKEN.search(browser.get("/sign-in").text)
    assert found
    form = {"form_token": found[1], "email": _EMAIL, "password": password}
    if browser.post("/sign-in", data=form).status_code != _LED:
        raise WrongAnswers("The page did not let the user in.")


def _forget_the_user(url: str) -> None:
    """The cluster is kept for other benchmarks, so it is left as it was found."""
    with psycopg.connect(url) as conn:
        for table in ("project_members", "user_sessions"):
            conn.execute(f"delete from {table} where user_id in (select id from users where email = '{_EMAIL}')")  # noqa: S608
        conn.execute("delete from users where email = %(email)s", {"email": _EMAIL})


def _timed(browser: httpx.Client, project: str, rounds: int) -> list[Timed]:
    found = _DEVICE.search(browser.get(f"{project}/devices").text)
    assert found
    half_a_year_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(days=180)).date()
    version = "version=%3E%3D1"
    pages = {
        "fleet, now": project,
        "fleet, now, the part that is refreshed": f"{project}?part=state",
        "fleet, half a year ago": f"{project}?at={half_a_year_ago}",
        "fleet, half a year ago, the bar dragged": f"{project}?at={half_a_year_ago}&part=state",
        "devices": f"{project}/devices",
        "devices of some versions": f"{project}/devices?{version}",
        "devices of some versions, half a year ago": f"{project}/devices?{version}&at={half_a_year_ago}",
        "a device": found[1],
        "a device, half a year ago": f"{found[1]}?at={half_a_year_ago}",
        "projects": "/projects",
        "adoption, loaded after the page": f"{project}/adoption?component=app&part=chart",
        "rollout, loaded after the page": f"{project}/adoption?component=app&part=rollout",
    }
    return [_measured(browser, name, path, rounds) for name, path in pages.items()]


def _measured(browser: httpx.Client, name: str, path: str, rounds: int) -> Timed:
    say(name)
    times: list[float] = []
    size = 0.0
    for round_number in range(rounds + 1):
        started = time.perf_counter()
        answer = browser.get(path)
        if round_number:  # the first one fills caches
            times.append((time.perf_counter() - started) * 1000)
        if answer.status_code != _SHOWN:
            raise WrongAnswers(f"{name} answered {answer.status_code}.")
        size = answer.num_bytes_downloaded / 1024
    return Timed(name, times, size)


def _first_view(browser: httpx.Client, path: str) -> float:
    """All that a browser fetches to show the fleet for the first time, in compressed kilobytes."""
    answer = browser.get(path)
    size, wanted, seen = answer.num_bytes_downloaded, [*_LOADED.findall(answer.text)], set[str]()
    while wanted:
        if (asset := wanted.pop()) in seen:
            continue
        seen.add(asset)
        loaded = browser.get(asset)
        size += loaded.num_bytes_downloaded
        wanted += _IMPORTED.findall(loaded.text)
    return size / 1024


def _table(timed: Sequence[Timed], first: float, fleet: Fleet, rounds: int) -> str:
    head = (
        f"{fleet.devices:,} devices, {rounds} rounds; targets: {TARGET_MS} ms a page, {TARGET_KB} kB the first view.\n"
    )
    columns = (
        f"| {'page':<40} | {'median ms':>8} | {'most ms':>8} | {'kB':>6} | |\n| --- | ---: | ---: | ---: | --- |\n"
    )
    lines = "\n".join(one.line for one in timed)
    verdict = "met" if first <= TARGET_KB else "MISSED"
    return f"{head}\n{columns}{lines}\n\nFirst view of the fleet, with styles and modules: {first:.1f} kB, {verdict}.\n"


if __name__ == "__main__":
    sys.exit(main())
