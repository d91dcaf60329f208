"""Who takes part in `reports`: each is started, filled and warm when its function returns the rows it can measure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.cluster import libpq_environment
from bench.cpu import cpu_seconds
from bench.errors import CannotMeasure
from bench.fleet import Device, store_fleet, store_history, write_requests
from bench.inserts import Inserts, insert_one_by_one, insert_with_pgbench
from bench.rows import Row, Sample, sample_of
from bench.site import Books, Contestant, Site
from bench.stage import Stage, say
from bench.tokens import fetch_tokens

#: takes seconds, returns what was measured in them
Measure = Callable[[int], Sample]
Measures = dict[Row, Measure]

CONNECTIONS = 64
ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OUR_SERVER = [BIN / "firmtrail-server", "serve", "--port", "0"]
OUR_REPORTS = """
    select (select coalesce(sum(report_count), 0) from device_firmware)
         + (select coalesce(sum(report_count), 0) from device_firmware_periods)
"""
OUR_PERIODS = "select (select count(*) from device_firmware) + (select count(*) from device_firmware_periods)"

PEERS_BIN = ROOT / ".venv-bench" / "bin"
PEER_REPORTS = "select count(*) from firmware_versions"
#: Each takes a quarter of a second to make, and again to check. That few are all hot is to the peer's advantage.
PEER_DEVICES = 64
#: after so many, both workers of the peer have met every device
PEER_PASSES = 12


def echo(stage: Stage, fleet: list[Device]) -> Measures:
    """The bare server, which gets the same requests as ours."""
    say("starting the bare echo")
    requests = write_requests(stage.folder / "echo.requests", fleet, lambda device: device.basic)
    command = [sys.executable, "-m", "bench.servers.echo"]
    site = stage.site("echo", command, {"PYTHONPATH": str(ROOT)}, devices=len(fleet))
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    load.warm_up(passes=1)
    return {
        Row.ECHO: load.measure,
        Row.ECHO_STILL: Contestant(site=site, requests=requests, connections=CONNECTIONS, still=True).measure,
        Row.ECHO_ALONE: Contestant(site=site, requests=requests, connections=1).measure,
    }


def ours(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server as it is run, one process."""
    say("starting our server")
    site = _our_site(stage, "ours", fleet)
    basic = write_requests(stage.folder / "basic.requests", fleet, lambda device: device.basic)
    load = Contestant(site=site, requests=basic, connections=CONNECTIONS)
    load.warm_up(passes=1)
    return {
        Row.BASIC: load.measure,
        Row.BASIC_ALONE: Contestant(site=site, requests=basic, connections=1).measure,
        **_with_tokens(stage, site, fleet),
    }


def big(stage: Stage, fleet: list[Device]) -> Measures:
    """Our server over tables that have grown; the fleet is a tenth of the devices."""
    say("storing 5 million periods of 100,000 devices, and starting our server over them")
    site = _our_site(stage, "big", fleet, with_history=True)
    requests = write_requests(stage.folder / "big.requests", fleet, lambda device: device.basic)
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    load.warm_up(passes=1)
    return {Row.BIG: load.measure}


def inserts(stage: Stage) -> Measures:
    """The same kind of row into the same kind of table, without HTTP."""
    url = stage.cluster.create("inserts", with_tables=True)
    return {
        Row.PGBENCH: lambda seconds: _measured(stage, lambda: insert_with_pgbench(url, seconds)),
        Row.INSERT_ALONE: lambda seconds: _measured(stage, lambda: insert_one_by_one(url, seconds)),
    }


def django(stage: Stage, *, cached: bool) -> Measures:
    """The peer: gunicorn with two workers."""
    say(f"starting the Django peer{', with cache and kept connections' if cached else ''}")
    name = "django_cached" if cached else "django"
    url = stage.cluster.create(name, with_tables=False)
    requests = stage.folder / f"{name}.requests"
    environment = {**libpq_environment(url), "PYTHONPATH": str(ROOT / "bench/peers"), "PEER_CACHE": str(int(cached))}
    seed = [PEERS_BIN / "python", "-m", "django_seed.seed", str(PEER_DEVICES), requests]
    subprocess.run(seed, env=os.environ | environment, check=True)
    site = stage.site(
        name,
        [PEERS_BIN / "gunicorn", "--workers=2", "--bind=127.0.0.1:0", "django_seed.wsgi"],
        environment,
        devices=PEER_DEVICES,
        books=Books(url, PEER_REPORTS),
    )
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    load.warm_up(passes=PEER_PASSES if cached else 1)
    return {Row.DJANGO_CACHED if cached else Row.DJANGO: load.measure}


def prepare_peers() -> None:
    """Install what the peers need into an environment of their own, unless it is there.

    Raises:
        CannotMeasure: it cannot be installed.
    """
    done = subprocess.run([sys.executable, "-I", ROOT / "tools" / "prepare.py", "bench"], check=False)
    if done.returncode != 0:
        raise CannotMeasure("The peers could not be installed, see above; --skip-peers goes on without them.")


def _our_site(stage: Stage, name: str, fleet: list[Device], *, with_history: bool = False) -> Site:
    url = stage.cluster.create(name, with_tables=True)
    store_fleet(url, fleet)
    if with_history:
        store_history(url)
    books = Books(url, OUR_REPORTS, OUR_PERIODS)
    return stage.site(name, OUR_SERVER, {"FIRMTRAIL_DATABASE_URL": url}, devices=len(fleet), books=books)


def _with_tokens(stage: Stage, site: Site, fleet: list[Device]) -> Measures:
    try:
        tokens = dict(zip(fleet, fetch_tokens(site.server.url, fleet), strict=True))
    except CannotMeasure as reason:
        say(f"no row with Bearer tokens: {reason}")
        return {}
    requests = write_requests(stage.folder / "bearer.requests", fleet, lambda device: f"Bearer {tokens[device]}")
    load = Contestant(site=site, requests=requests, connections=CONNECTIONS)
    load.warm_up(passes=1)
    return {Row.BEARER: load.measure}


def _measured(stage: Stage, insert: Callable[[], Inserts]) -> Sample:
    before = cpu_seconds(stage.cluster.pid)
    done = insert()
    used = cpu_seconds(stage.cluster.pid) - before
    return sample_of(done.latencies_ms, rate=done.rate, database_us=1e6 * used / len(done.latencies_ms))
