"""Behind PgBouncer: the server works where a session stays together, and refuses to start where it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from firmtrail_server.db.pooling import Between, find_between
from tests.ports import free_port
from tests.server.server_process import ServerProcess, run

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@contextmanager
def pooled(database_url: str, mode: str, **more: str) -> Generator[str]:
    """Run a PgBouncer before the database; gives the URL that leads through it."""
    place, port = conninfo_to_dict(database_url), free_port()
    folder = Path(tempfile.mkdtemp(prefix="firmtrail-pgbouncer-"))
    folder.chmod(0o755)
    options = {"listen_addr": "127.0.0.1", "listen_port": port, "auth_type": "any", "unix_socket_dir": "", **more}
    lines = [f"{name} = {value}" for name, value in {**options, "pool_mode": mode}.items()]
    target = f"d = host={place['host']} port={place.get('port', 5432)} dbname={place['dbname']} user={place['user']}"
    (folder / "ini").write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines]))
    (folder / "ini").chmod(0o644)
    # it refuses to run as root, and must be allowed to enter the folder of the database's socket
    socket_folder = Path(str(place["host"]))
    owner = socket_folder.owner() if socket_folder.is_dir() else "nobody"
    user = ["-u", owner] if os.geteuid() == 0 else []
    bouncer = subprocess.Popen([PGBOUNCER or "", "-q", *user, folder / "ini"], stderr=subprocess.DEVNULL)
    url = f"postgresql://{place['user']}@127.0.0.1:{port}/d"
    try:
        wait_for_connections(url, bouncer)
        yield url
    finally:
        bouncer.terminate()
        bouncer.wait()
        shutil.rmtree(folder)


def wait_for_connections(url: str, bouncer: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert bouncer.poll() is None, "PgBouncer ended by itself"
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("PgBouncer gives no connection")


async def test_nothing_stands_before_a_database_of_our_own(database_url: str) -> None:
    assert await find_between(database_url) is Between.NOTHING


@needs_pgbouncer
@pytest.mark.parametrize("size", ["1", "20"])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_pooling_of_transactions_is_found(database_url: str, mode: str, size: str) -> None:
    with pooled(database_url, mode, default_pool_size=size) as url:
        assert await find_between(url) is Between.TRANSACTIONS


@needs_pgbouncer
async def test_pooling_of_transactions_is_found_when_connections_take_turns(database_url: str) -> None:
    with pooled(database_url, "transaction", server_round_robin="1", min_pool_size="5") as url:
        for _ in range(5):
            assert await find_between(url) is Between.TRANSACTIONS


@needs_pgbouncer
async def test_pooling_of_sessions_is_no_pooling_of_transactions(database_url: str) -> None:
    with pooled(database_url, "session") as url:
        assert await find_between(url) is Between.SESSIONS


@needs_pgbouncer
@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--migrate"], ["migrate"]])
def test_the_server_refuses_a_pooler_of_transactions(database_url: str, arguments: list[str]) -> None:
    with pooled(database_url, "transaction") as url:
        ended = run(*arguments, FIRMTRAIL_DATABASE_URL=url)

    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert "pool_mode = session" in ended.stderr


@needs_pgbouncer
def test_the_server_works_through_a_pooler_of_sessions(empty_database_url: str) -> None:
    with pooled(empty_database_url, "session") as url:
        assert run("migrate", FIRMTRAIL_DATABASE_URL=url).returncode == 0
        server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=url, FIRMTRAIL_SEED_ENABLED="true")
        made = httpx.post(f"{server.url()}/v1/seed").raise_for_status().json()
        path = f"{server.url()}/v1/devices/{made['device']['id']}/firmware_version"
        device, project = ((made[key]["id"], made[key]["secret"]) for key in ("device_api_key", "project_api_key"))
        sent = [httpx.post(path, auth=device, json={"version": version}).status_code for version in "1122"]
        items = httpx.get(path, auth=project).raise_for_status().json()["items"]
        assert server.stop() == 0

    assert sent == [201, 200, 201, 200]
    assert [period["version"] for period in items] == ["1", "2"]
