"""The server of the version before serves this schema: while it is made, beside a new server, and after it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.server.callers import key_of
from tests.server.earlier_servers import previous_commit, python_path
from tests.server.faults.load import TIMEOUT_SECONDS, Device, Fleet, Load
from tests.server.server_process import ServerProcess, run

DEVICES = 12


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variable that makes a Python run the server of before."""
    commit = previous_commit()
    if not commit:
        pytest.skip("there is no git history to take the version before from")
    return {"PYTHONPATH": python_path(commit, tmp_path_factory.mktemp("before"))}


@pytest.fixture
def old_schema(empty_database_url: str, before: dict[str, str]) -> str:
    """A database that the version before has migrated."""
    migrated = run("migrate", FIRMTRAIL_DATABASE_URL=empty_database_url, **before)
    pending = run("migrate", "--check", FIRMTRAIL_DATABASE_URL=empty_database_url)
    assert (migrated.returncode, pending.returncode) == (0, 1), "the schema of before is another one"
    return empty_database_url


@asynccontextmanager
async def serving(database_url: str, **environment: str) -> AsyncGenerator[str]:
    server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=database_url, FIRMTRAIL_SEED_ENABLED="true", **environment)
    try:
        yield await asyncio.to_thread(server.url)
    finally:
        assert await asyncio.to_thread(server.stop) == 0, server.said


@asynccontextmanager
async def in_use(url: str) -> AsyncGenerator[tuple[Load, Counter[int]]]:
    """Let devices report to a server, and their project read; gives the load, and how many reads had each status."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT_SECONDS)) as http:
        fleet, reads = await make_fleet(http, url), Counter[int]()
        load = Load(fleet, http, url)

        async def read() -> None:
            while True:
                for place in load.urls:
                    path = fleet.devices[reads.total() % DEVICES].path
                    async with http.get(place + path, headers=fleet.reader_headers) as answer:
                        await answer.read()
                        reads[answer.status] += 1

        async with load.running():
            reader = asyncio.create_task(read())
            await load.acknowledged(DEVICES)
            yield load, reads
            reader.cancel()
        await load.check()


async def make_fleet(http: aiohttp.ClientSession, url: str) -> Fleet:
    """Make devices by the API alone, which is the same before and after."""

    async def made(path: str, body: Any = None) -> Any:
        async with http.post(f"{url}/v1/{path}", json=body, headers=reader) as answer:
            assert answer.status == 201, await answer.text()
            return await answer.json()

    reader = dict[str, str]()
    seed = await made("seed")
    reader = basic(seed["project_api_key"])
    devices: list[Device] = []
    for number in range(DEVICES):
        device = await made(f"projects/{seed['project']['id']}/devices", {"name": f"device {number}"})
        key = await made(f"devices/{device['id']}/api_keys", {})
        devices.append(Device(f"/v1/devices/{device['id']}/firmware_version", basic(key)))
    return Fleet(devices, reader)


def basic(issued: Any) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(*key_of(issued))}


async def test_no_request_fails_while_the_old_server_serves_through_an_upgrade_and_back(
    old_schema: str, before: dict[str, str]
) -> None:
    async with serving(old_schema, **before) as old, in_use(old) as (load, reads):
        migrated = await asyncio.to_thread(run, "migrate", FIRMTRAIL_DATABASE_URL=old_schema)
        assert migrated.returncode == 0, migrated.stderr
        await load.acknowledged(200)
        async with serving(old_schema) as new:
            for urls in ([old, new], [new], [old]):
                load.urls = urls
                await load.acknowledged(200)

    assert ({*load.answers}, {*reads}) == ({200, 201}, {200})

    again = run("migrate", FIRMTRAIL_DATABASE_URL=old_schema, **before)
    assert again.returncode == 0, "an older server's migrate has nothing to do, and says so"


def test_this_server_refuses_to_serve_the_schema_of_before(old_schema: str) -> None:
    ended = run("serve", FIRMTRAIL_DATABASE_URL=old_schema)

    assert ended.returncode == os.EX_SOFTWARE
    assert "firmtrail-server migrate" in ended.stderr
