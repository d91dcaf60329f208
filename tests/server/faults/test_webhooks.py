"""kill -9 of the server that delivers webhooks: another one goes on, and no change is skipped."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg

from tests.server.callers import Caller, made
from tests.server.conftest import Demo, seed
from tests.server.faults.conftest import Serve
from tests.server.server_process import ServerProcess
from tests.server.webhook_receivers import PATIENCE_SECONDS, Receiver, receiving

CHANGES = 10


async def test_another_server_goes_on_after_the_one_that_delivers_is_killed(database_url: str, serve: Serve) -> None:
    settings = {
        "FIRMTRAIL_DATABASE_URL": database_url,
        "FIRMTRAIL_SEED_ENABLED": "true",
        "FIRMTRAIL_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }
    servers = [serve(**settings) for _ in range(2)]
    async with receiving() as receiver, httpx.AsyncClient(base_url=servers[0].url()) as http:
        demo = await seed(http)
        admin = Caller(http, demo.project_key)
        made(await admin.post(f"projects/{demo.project_id}/webhooks", {"url": receiver.url}))
        await report(http, demo, range(CHANGES))
        await receiver.wait_for(CHANGES // 2)

        dead = the_one_that_delivers(database_url, servers)
        dead.kill()
        [alive] = [server for server in servers if server is not dead]
        http.base_url = httpx.URL(alive.url())
        await report(http, demo, range(CHANGES, 2 * CHANGES))

        await until_all_have_come(receiver)
        assert the_one_that_delivers(database_url, servers) is alive
    assert receiver.numbers == sorted(receiver.numbers)
    assert len(receiver.numbers) <= 2 * CHANGES + 1  # what was on its way comes again


async def report(http: httpx.AsyncClient, demo: Demo, versions: range) -> None:
    for version in versions:
        (await http.post(demo.path, json={"version": str(version)}, auth=demo.device_key)).raise_for_status()


def the_one_that_delivers(database_url: str, servers: list[ServerProcess]) -> ServerProcess:
    with psycopg.connect(database_url) as conn:
        holder: Any = conn.execute("select holder from work_leases where name = 'webhooks'").fetchone()
    [found] = [server for server in servers if f":{server.pid}:" in holder[0]]
    return found


async def until_all_have_come(receiver: Receiver) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while {*receiver.numbers} != {*range(1, 2 * CHANGES + 1)}:
            await receiver.wait_for(len(receiver.received) + 1)
