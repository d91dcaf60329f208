"""Who takes part in `reports`: each is started and filled when its function returns the rows it can measure."""

from __future__ import annotations

import itertools
import secrets
import sys
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from bench.cluster import open_transaction
from bench.command import say
from bench.commits import TOKEN_VARIABLE
from bench.cpu import cpu_seconds
from bench.fleet import Device, basic, bearer, store_fleet, store_history, store_viewer
from bench.inserts import Inserts, insert_one_by_one, insert_with_pgbench
from bench.load import Mode
from bench.processes import Server
from bench.requests import COMPONENTS, agents_batch, report, request, write_requests
from bench.rows import Row, Sample, sample_of
from bench.servers.profiled import FILE_VARIABLE
from bench.site import Books, Contestant, Site
from bench.stage import Stage
from bench.tokens import fetch_tokens
from bench.walk import RARE_CHANGE_EVERY
from firmtrail_server.auth.credentials import SecretPrefix, new_secret
from firmtrail_server.auth.signing_keys import new_signing_keys

#: takes seconds, returns what was measured in them
Measure = Callable[[int], Sample]
Measures = dict[Row, Measure]

CONNECTIONS = 64
ROOT = Path(__file__).resolve().parent.parent
#: where Python finds the servers of this folder
_PATH = {"PYTHONPATH": str(ROOT)}
SERVER = [Path(sys.executable).with_name("firmtrail-server"), "serve", "--port", "0"]
REPORTS = """
    select (select coalesce(sum(report_count), 0) from device_firmware)
         + (select coalesce(sum(report_count), 0) from device_firmware_periods)
"""
PERIODS = "select (select count(*) from device_firmware) + (select count(*) from device_firmware_periods)"


def echo(stage: Stage, fleet: list[Device]) -> Measures:
    """The bare server, which gets the same requests as ours."""
    say("starting the bare echo")
    requests = write_requests(stage.folder / "echo.requests", map(report, fleet))
    site = stage.site("echo", *echo_command("application"), devices=len(fleet))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    return {
        Row.ECHO: load.measure_warm,
        Row.ECHO_STILL: Contestant(site=site, requests=requests, connections=CONNECTIONS, mode=Mode.STILL).measure,
        Row.ECHO_ALONE: Contestant(site=site, requests=requests, connections=1).measure,
    }


def floors(stage: Stage, fleet: list[Device]) -> Measures:
    """The same echo on what lies below aiohttp's Application, and on the floor of our server."""
    say("starting the echoes below aiohttp's Application")
    requests = write_requests(stage.folder / "floors.requests", map(report, fleet))

    def load(kind: str) -> Measure:
        site = stage.site(kind, *echo_command(kind), devices=len(fleet))
        return Contestant(site=site, requests=requests, connections=CONNECTIONS).measure_warm

    return {Row.ECHO_SERVER: load("server"), Row.ECHO_OURS: load("ours")}


def ours(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server as it is run, one process."""
    say("starting our server")
    site = our_site(stage, "ours", fleet)
    requests = write_requests(stage.folder / "ours.requests", map(report, fleet))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    return {
        Row.BASIC: load.measure_warm,
        Row.BASIC_ALONE: Contestant(site=site, requests=requests, connections=1).measure,
        **_with_tokens(stage, site, fleet),
    }


def rare_changes(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server, sent new versions as rarely as the fleet of `./dev bench fleet` gets them."""
    say("starting our server for a fleet whose versions hardly change")
    url = our_database(stage, "rare", fleet)
    books = Books(url, REPORTS, PERIODS)
    site = stage.site(
        "rare", SERVER, our_environment(url), devices=len(fleet), books=books, change_every=RARE_CHANGE_EVERY
    )
    requests = write_requests(stage.folder / "rare.requests", map(report, fleet))
    return {Row.RARE: Contestant(site=site, requests=requests, connections=CONNECTIONS).measure_warm}


def others(stage: Stage, fleet: list[Device]) -> Measures:
    """What single reports are compared with, beside the echo."""
    return {**inserts(stage), **ungathered(stage, fleet), **refusals(stage, fleet)}


def batches(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server, sent what the agent sends. The first batches of all make their boots known."""
    say("starting our server for batches, and sending each device's first")
    load = _contestant(stage, "batches", fleet, agents_batch, observations=len(COMPONENTS))
    load.warm_up(passes=1, seconds=2)
    return {Row.BATCH: load.measure_warm}


def with_open_transaction(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server while somebody else leaves a transaction open in its database."""
    say("starting our servers whose database somebody else reads")
    reports = _contestant(stage, "open", fleet, report)
    batches = _contestant(stage, "open_batches", fleet, agents_batch, observations=len(COMPONENTS))

    def measure(load: Contestant, seconds: int) -> Sample:
        assert load.site.books
        with open_transaction(load.site.books.url):
            return load.measure_warm(seconds)

    return {Row.OPEN: partial(measure, reports), Row.OPEN_BATCH: partial(measure, batches)}


def reads(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server, asked for a device, and for its history of nine closed periods and the open one."""
    say("storing ten periods for each device, and starting our server over them")
    url = our_database(stage, "reads", fleet)
    store_history(url, devices=len(fleet), periods=9)
    authorization = store_viewer(url)
    site = our_site(stage, "reads", fleet, url, observations=0)

    def load(name: str, path: str) -> Measure:
        requests = [request(f"GET {device.path}{path}", [authorization]) for device in fleet]
        file = write_requests(stage.folder / f"{name}.requests", requests)
        return Contestant(site=site, requests=file, connections=CONNECTIONS).measure

    return {Row.DEVICE: load("device", ""), Row.HISTORY: load("history", "/firmware_version")}


def profiled(stage: Stage, fleet: list[Device], file: Path) -> tuple[Measure, Server]:
    """Our server with a sampler that writes to a file."""
    say("starting our server, with a sampler")
    url = our_database(stage, "profiled", fleet)
    environment = {**_PATH, **our_environment(url), FILE_VARIABLE: str(file)}
    command = [*_module("bench.servers.profiled"), *SERVER[1:]]
    site = stage.site("profiled", command, environment, devices=len(fleet), books=Books(url, REPORTS, PERIODS))
    requests = write_requests(stage.folder / "profiled.requests", map(report, fleet))
    return Contestant(site=site, requests=requests, connections=CONNECTIONS).measure_warm, site.server


def big(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server over tables that have grown; the fleet is a tenth of their devices."""
    say("storing 5 million periods of 100,000 devices, and starting our server over them")
    url = our_database(stage, "big", fleet)
    store_history(url)
    site = our_site(stage, "big", fleet, url)
    requests = write_requests(stage.folder / "big.requests", map(report, fleet))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    return {Row.BIG: load.measure_warm}


def ungathered(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server, each report a transaction of its own."""
    say("starting our server that does not gather")
    url = our_database(stage, "ungathered", fleet)
    environment = {**_PATH, "FIRMTRAIL_DATABASE_URL": url}
    site = stage.site(
        "ungathered",
        _module("bench.servers.ungathered"),
        environment,
        devices=len(fleet),
        books=Books(url, REPORTS, PERIODS),
    )
    requests = write_requests(stage.folder / "ungathered.requests", map(report, fleet))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    return {Row.UNGATHERED: load.measure_warm}


def refusals(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server, asked with wrong credentials; each comes from an address of its own, or it would soon be limited."""
    say("starting our server for wrong credentials")
    url = our_database(stage, "refusals", fleet)
    environment = {**our_environment(url), "FIRMTRAIL_TRUSTED_PROXIES": "127.0.0.0/8"}
    site = stage.site("refusals", SERVER, environment, devices=len(fleet))
    numbers = itertools.count(int(IPv4Address("10.0.0.1")))

    def wrong(key_id: uuid.UUID) -> list[str]:
        return [basic(key_id, new_secret(SecretPrefix.DEVICE)), f"X-Forwarded-For: {IPv4Address(next(numbers))}"]

    unknown = write_requests(stage.folder / "unknown.requests", [report(one, *wrong(uuid.uuid4())) for one in fleet])
    mistaken = write_requests(stage.folder / "wrong.requests", [report(one, *wrong(one.key_id)) for one in fleet])
    return {
        Row.UNKNOWN_ID: Contestant(site=site, requests=unknown, connections=1, mode=Mode.REFUSED).measure,
        Row.WRONG_SECRET: Contestant(site=site, requests=mistaken, connections=1, mode=Mode.REFUSED).measure,
    }


def inserts(stage: Stage) -> Measures:
    """The same kind of row into the same kind of table, without HTTP."""
    url = stage.cluster.create("inserts", with_tables=True)
    return {
        Row.PGBENCH: lambda seconds: _measured(stage, lambda: insert_with_pgbench(url, seconds)),
        Row.INSERT_ALONE: lambda seconds: _measured(stage, lambda: insert_one_by_one(url, seconds)),
    }


def echo_command(kind: str) -> tuple[list[str | Path], Mapping[str, str]]:
    """Name the command of a bare server, and its environment."""
    return [*_module("bench.servers.echo"), kind], _PATH


def _module(name: str) -> list[str | Path]:
    return [sys.executable, "-m", name]


def our_database(stage: Stage, name: str, fleet: list[Device]) -> str:
    url = stage.cluster.create(name, with_tables=True)
    store_fleet(url, fleet)
    return url


def our_site(stage: Stage, name: str, fleet: list[Device], url: str | None = None, *, observations: int = 1) -> Site:
    url = url or our_database(stage, name, fleet)
    books = Books(url, REPORTS, PERIODS, observations)
    return stage.site(name, SERVER, our_environment(url), devices=len(fleet), books=books)


def _contestant(
    stage: Stage, name: str, fleet: list[Device], kind: Callable[[Device], str], *, observations: int = 1
) -> Contestant:
    site = our_site(stage, name, fleet, observations=observations)
    requests = write_requests(stage.folder / f"{name}.requests", map(kind, fleet))
    return Contestant(site=site, requests=requests, connections=CONNECTIONS)


def our_environment(url: str) -> dict[str, str]:
    """Configure a server over a database; the tokens that it gives outlive the benchmark."""
    return {
        "FIRMTRAIL_DATABASE_URL": url,
        "FIRMTRAIL_SIGNING_KEYS": new_signing_keys().as_text(),
        "FIRMTRAIL_DEVICE_TOKEN_SECONDS": "86400",
        TOKEN_VARIABLE: secrets.token_urlsafe(),
    }


def _with_tokens(stage: Stage, site: Site, fleet: list[Device]) -> Measures:
    bearers = [bearer(token) for token in fetch_tokens(site.server.url, fleet)]
    requests = write_requests(stage.folder / "bearer.requests", map(report, fleet, bearers))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    return {Row.BEARER: load.measure_warm}


def _measured(stage: Stage, insert: Callable[[], Inserts]) -> Sample:
    before = cpu_seconds(stage.cluster.pid)
    done = insert()
    used = cpu_seconds(stage.cluster.pid) - before
    return sample_of(done.latencies_ms, rate=done.rate, database_us=1e6 * used / len(done.latencies_ms))
