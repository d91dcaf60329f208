"""The peers, in an environment of their own: installed, started, filled and warm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from bench.cluster import libpq_environment
from bench.command import say
from bench.errors import CannotMeasure
from bench.fleet import Device
from bench.lineup import CONNECTIONS, ROOT, Measures
from bench.once import send_all, visits
from bench.requests import REPORT, request, write_requests
from bench.rows import Row
from bench.site import Books, Contestant
from bench.stage import Stage

_BIN = ROOT / ".venv-bench" / "bin"
#: it makes and remembers each at its first request
_GOOSEBIT_DEVICES = 1000
#: what `python -m goosebit` does, but on loopback
_RUN_GOOSEBIT = "import uvicorn; from goosebit import app; uvicorn.run(app, host='127.0.0.1', port=0)"
_CONFIG_DATA = '{"data": {"hw_boardname": "bench", "hw_revision": "1", "sw_version": "1.0.$version"}, "mode": "merge"}'
_HERE = Path(__file__).parent
_REPORTS = "select count(*) from firmware_versions"
#: Each takes a quarter of a second to make, and again to check. That few are all hot is to the peer's advantage.
_DEVICES = 64
#: after so many, both workers have met every device
_WARM_PASSES = 12


def all_peers(stage: Stage, fleet: list[Device]) -> Measures:
    """Install and start them."""
    install()
    return {**django(stage, cached=False), **django(stage, cached=True), **goosebit(stage, fleet)}


def install() -> None:
    """Install what the peers need, unless it is there.

    Raises:
        CannotMeasure: it cannot be installed.
    """
    done = subprocess.run([sys.executable, "-I", ROOT / "tools" / "prepare.py", "bench"], check=False)
    if done.returncode != 0:
        raise CannotMeasure("The peers could not be installed, see above; --skip-peers goes on without them.")


def django(stage: Stage, *, cached: bool) -> Measures:
    """The peer under gunicorn with two workers, as it is or with a cache and kept connections."""
    say(f"starting the Django peer{', with cache and kept connections' if cached else ''}")
    name = "django_cached" if cached else "django"
    url = stage.cluster.create(name, with_tables=False)
    fleet = stage.folder / f"{name}.fleet"
    environment = {**libpq_environment(url), "PYTHONPATH": str(_HERE), "PEER_CACHE": str(int(cached))}
    _seed(environment, fleet)
    command = [_BIN / "gunicorn", "--workers=2", "--bind=127.0.0.1:0", "django_seed.wsgi"]
    site = stage.site(name, command, environment, devices=_DEVICES, books=Books(url, _REPORTS))
    devices = [line.split("\t") for line in fleet.read_text(encoding="utf-8").splitlines()]
    requests = [request(f"POST {path}", [authorization], REPORT) for path, authorization in devices]
    file = write_requests(stage.folder / f"{name}.requests", requests)
    load = Contestant(site=site, requests=file, connections=CONNECTIONS)
    load.warm_up(passes=_WARM_PASSES if cached else 1, seconds=10)
    return {Row.DJANGO_CACHED if cached else Row.DJANGO: load.measure}


def goosebit(stage: Stage, fleet: list[Device]) -> Measures:
    """Run gooseBit as `python -m goosebit` does; its devices tell their version and show no credential."""
    say("starting gooseBit")
    url = stage.cluster.create("goosebit", with_tables=False)
    with psycopg.connect(url, autocommit=True) as admin:  # its driver does not read PGOPTIONS
        admin.execute("alter database goosebit set default_transaction_isolation = 'read committed'")
    environment = libpq_environment(url)
    environment["GOOSEBIT_DB_URI"] = "postgres://{PGUSER}@:{PGPORT}/{PGDATABASE}".format_map(environment)
    _migrate(environment, stage.folder / "aerich.toml")
    command = [_BIN / "python", "-c", _RUN_GOOSEBIT]
    books = Books(url, "select count(*) from device", observations=0)
    devices = fleet[:_GOOSEBIT_DEVICES]
    site = stage.site("goosebit", command, environment, devices=len(devices), books=books)
    requests = [request(f"PUT /DEFAULT/controller/v1/{device.id}/configData", [], _CONFIG_DATA) for device in devices]
    send_all(site.server.url, visits(site.server.url, requests, site.walk, count=len(devices)), connections=1)
    file = write_requests(stage.folder / "goosebit.requests", requests)
    return {Row.GOOSEBIT: Contestant(site=site, requests=file, connections=CONNECTIONS).measure}


def _migrate(environment: dict[str, str], config: Path) -> None:
    (migrations,) = _BIN.parent.glob("lib/python*/site-packages/goosebit/db/migrations")
    config.write_text(f'[tool.aerich]\ntortoise_orm = "goosebit.db.config.TORTOISE_CONF"\nlocation = "{migrations}"\n')
    done = subprocess.run(
        [_BIN / "aerich", "--config", config, "upgrade"], env=os.environ | environment, stdout=sys.stderr, check=False
    )
    if done.returncode != 0:
        raise CannotMeasure("gooseBit could not make its tables, see above; --skip-peers goes on without it.")


def _seed(environment: dict[str, str], fleet: Path) -> None:
    command = [_BIN / "python", "-m", "django_seed.seed", str(_DEVICES), fleet]
    if subprocess.run(command, env=os.environ | environment, check=False).returncode != 0:
        raise CannotMeasure("The Django peer could not fill its tables, see above; --skip-peers goes on without it.")
