"""`./dev bench pages`: the server's time for each page on the fleet of `./dev bench fleet`, and what a browser fetches.

What counts is the CPU time that a page takes, of the server and of its PostgreSQL together: no other program of the
machine changes it much. Beside it stands the time that a client sees: the request sent, the whole answer read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from bench.command import exit_code_of, say
from bench.cpu import cpu_seconds
from bench.errors import WrongAnswers
from bench.fleet_questions.__main__ import CACHE, DEVICES, QUICK_DEVICES, RESULTS
from bench.fleet_questions.cache import Stored, stored_fleet
from bench.fleet_questions.fleet import Fleet
from bench.fleet_questions.lineup import five_rules
from bench.fleet_questions.rules import put_in_force
from bench.lineup import SERVER, our_environment
from bench.machine import describe_machine
from bench.processes import running

ROUNDS, QUICK_ROUNDS = 5, 2
#: requests of a round: the system counts CPU time by hundredths of a second
_EACH = 4
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
    #: of the CPU for a request, by round
    cpu_ms: Sequence[float]
    #: until a client had the answer, by request
    times_ms: Sequence[float]
    #: of the HTML, compressed
    kilobytes: float

    @property
    def line(self) -> str:
        cpu, seen = statistics.median(self.cpu_ms), statistics.median(self.times_ms)
        verdict = "met" if cpu <= TARGET_MS else "MISSED"
        return f"| {self.name:<43} | {cpu:>6.0f} | {seen:>14.0f} | {self.kilobytes:>4.1f} | {verdict:<6} |"


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
        with psycopg.connect(stored.url) as conn:
            put_in_force(conn, fleet.big, five_rules(fleet))
        _sign_in(browser, stored.url, fleet)
        pages = _pages(browser, f"/projects/{fleet.big.id}") | _longest_history(stored.url, fleet)
        timed = [
            _measured(browser, lambda: cpu_seconds(server.pid) + cpu_seconds(stored.cluster.pid), name, path, rounds)
            for name, path in pages.items()
        ]
        first = _first_view(browser, f"/projects/{fleet.big.id}")
        _forget_the_user(stored.url)
        text = _table(timed, first, stored, fleet, rounds)
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


def _pages(browser: httpx.Client, project: str) -> dict[str, str]:
    found = _DEVICE.search(browser.get(f"{project}/devices").text)
    assert found
    half_a_year_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(days=180)).date()
    version = "version=%3E%3D1"
    return {
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
        "compliance half a year ago, loaded after it": f"{project}/compliance?at={half_a_year_ago}&part=card",
    }


def _longest_history(url: str, fleet: Fleet) -> dict[str, str]:
    """The page of the device with the most periods."""
    with psycopg.connect(url) as conn:
        found = conn.execute(
            """
            select device_id, count(*)
              from device_firmware_periods
             where project_id = %(project_id)s
             group by device_id
             order by count(*) desc
             limit 1
            """,
            {"project_id": fleet.big.id},
        ).fetchone()
    assert found
    device_id, periods = found
    return {f"the device of most periods: {periods:,}": f"/devices/{device_id}"}


def _measured(browser: httpx.Client, cpu_used: Callable[[], float], name: str, path: str, rounds: int) -> Timed:
    say(name)
    size = _opened(browser, name, path)  # and caches are filled
    cpu: list[float] = []
    times: list[float] = []
    for _ in range(rounds):
        before = cpu_used()
        for _ in range(_EACH):
            started = time.perf_counter()
            _opened(browser, name, path)
            times.append((time.perf_counter() - started) * 1000)
        cpu.append((cpu_used() - before) * 1000 / _EACH)
    return Timed(name, cpu, times, size / 1024)


def _opened(browser: httpx.Client, name: str, path: str) -> int:
    """Open a page; return how many bytes came."""
    answer = browser.get(path)
    if answer.status_code != _SHOWN:
        raise WrongAnswers(f"{name} answered {answer.status_code}.")
    return answer.num_bytes_downloaded


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


def _table(timed: Sequence[Timed], first: float, stored: Stored, fleet: Fleet, rounds: int) -> str:
    columns = f"| {'page':<43} | CPU ms | client sees ms |   kB |        |\n| --- | ---: | ---: | ---: | --- |\n"
    lines = "\n".join(one.line for one in timed)
    verdict = "met" if first <= TARGET_KB else "MISSED"
    facts = {
        "measured": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {rounds} rounds of {_EACH} requests",
        "other programs": f"a load of {os.getloadavg()[0]:.0f} while it was measured, its own included",
        "fleet": f"{fleet.devices:,} devices in the project; that of ./dev bench fleet",
        **describe_machine(stored.cluster, stored.folder),
    }
    return (
        "# Pages\n\n"
        f"Targets: {TARGET_MS} ms of CPU time a page (server and PostgreSQL), {TARGET_KB} kB the first view.\n\n"
        f"{columns}{lines}\n\n"
        f"First view of the fleet, with styles and modules, compressed: {first:.1f} kB, {verdict}.\n\n"
        + "".join(f"- {name}: {fact}\n" for name, fact in facts.items())
    )


if __name__ == "__main__":
    sys.exit(main())
