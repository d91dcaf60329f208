"""A database that lets nobody in, or stores nothing: 503 that says so, health told apart, and recovery by itself."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from tests.postgres.conftest import IS_ROOT
from tests.server.conftest import Demo, seed
from tests.server.faults.conftest import Cluster, Serve
from tests.server.faults.load import TIMEOUT_SECONDS, loaded
from tests.server.refusals import assert_problem

PASSWORD = "correct-horse"
_END_OTHERS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'app'"


@pytest.fixture
def app_url(cluster: Cluster) -> str:
    """The cluster for a user with a password and without privileges."""
    (rules,) = cluster.root.glob("pgdata-*/pg_hba.conf")
    rules.write_text(f"local all app scram-sha-256\n{rules.read_text()}")
    with psycopg.connect(cluster.url, autocommit=True) as admin:
        admin.execute(f"create role app login password '{PASSWORD}'".encode())
        admin.execute("grant all on all tables in schema public to app")
        admin.execute("select pg_reload_conf()")
    return cluster.url.replace("firmtrail@", f"app:{PASSWORD}@")


@pytest.mark.parametrize(
    ("fault", "cure", "reason"),
    [
        (
            "alter role app password 'another'",
            f"alter role app password '{PASSWORD}'",
            "password authentication failed",
        ),
        ("alter role app connection limit 0", "alter role app connection limit -1", "too many connections"),
    ],
)
async def test_a_database_that_lets_nobody_in_any_more_is_503_and_named_in_the_log(  # noqa: PLR0913, PLR0917  a fault and its cure
    cluster: Cluster, app_url: str, serve: Serve, fault: str, cure: str, reason: str
) -> None:
    server = serve(FIRMTRAIL_DATABASE_URL=app_url, FIRMTRAIL_SEED_ENABLED="true")
    async with httpx.AsyncClient(base_url=server.url(), timeout=60) as http:
        demo = await seed(http)
        with psycopg.connect(cluster.url, autocommit=True) as admin:
            admin.execute(fault.encode())
            admin.execute(_END_OTHERS)

            for answer in await asyncio.gather(_report(http, demo), http.get("/readyz")):
                assert_problem(answer, 503, "unavailable")
            assert (await http.get("/healthz")).status_code == 200
            admin.execute(cure.encode())
        await _recovered(lambda: _report(http, demo))
        await _recovered(lambda: http.get("/readyz"))  # by another connection

    server.stop()
    assert reason in server.said
    assert PASSWORD not in server.said


async def test_a_database_that_may_only_be_read_is_503_and_says_so_and_acknowledges_nothing(
    database_url: str, serve: Serve
) -> None:
    server = serve(FIRMTRAIL_DATABASE_URL=database_url)
    async with loaded(database_url, server.url()) as load:
        _set_read_only(database_url, "on")
        await load.refused(5)
        _set_read_only(database_url, "off")

    assert "has no room, or may only be read" in server.said


@pytest.fixture
def small_disk(folder: Path, cluster: Cluster) -> Generator[Path]:
    """A disk of a few megabytes that PostgreSQL's user may write to."""
    if not IS_ROOT:
        pytest.skip("only root can mount a small disk")
    disk = folder / "small-disk"
    disk.mkdir()
    owner = next(cluster.root.glob("pgdata-*")).stat()
    mount = ["mount", "-t", "tmpfs", "-o", f"size=24m,uid={owner.st_uid},gid={owner.st_gid}", "none", disk]
    if subprocess.run(mount, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        disk.rmdir()
        pytest.skip("this machine lets not even root mount a disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)
    disk.rmdir()


async def test_a_full_disk_is_503_and_says_so_and_there_is_life_after_it(
    cluster: Cluster, small_disk: Path, serve: Serve
) -> None:
    url = _on_disk(cluster, small_disk)
    server = serve(FIRMTRAIL_DATABASE_URL=url)
    async with loaded(url, server.url()) as load:
        ballast = _fill(small_disk)
        await load.refused(5)
        ballast.unlink()

    assert "has no room" in server.said
    assert "No space left on device" in server.said
    assert load.answers[500] == 0


def _on_disk(cluster: Cluster, disk: Path) -> str:
    with psycopg.connect(_elsewhere(cluster.url, "postgres"), autocommit=True) as admin:
        admin.execute(f"create tablespace small location '{disk}'".encode())
        admin.execute("create database crowded template firmtrail tablespace small")
    return _elsewhere(cluster.url, "crowded")


def _fill(disk: Path) -> Path:
    """Take all the room there is."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(8192))
    return ballast


def _set_read_only(url: str, value: str) -> None:
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(_elsewhere(url, "postgres"), autocommit=True) as admin:
        admin.execute(f"alter database {name} set default_transaction_read_only = {value}".encode())
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])


def _elsewhere(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def _report(http: httpx.AsyncClient, demo: Demo) -> httpx.Response:
    return await http.post(demo.path, json={"version": "1.0"}, auth=demo.device_key)


async def _recovered(ask: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Come again for as long as the answer says so."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while (answer := await ask()).status_code == 503:  # noqa: ASYNC110  there is no event for a server's recovery
            await asyncio.sleep(0.1)
    answer.raise_for_status()
