"""The receiver of `docs/integrations.md`, run as it stands."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest

import firmtrail
from firmtrail_contract import DeliveryStatus
from firmtrail_server.settings import Settings
from tests.sdk.documentation.test_readmes import examples
from tests.served import Server
from tests.server.conftest import Clock, Demo

PATIENCE_SECONDS = 60


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, password_cost=4, webhook_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@asynccontextmanager
async def receiving(port: int, secret: str) -> AsyncGenerator[asyncio.StreamReader]:
    """Run the receiver on a free port; give what it prints."""
    [script] = [one for one in examples("docs/integrations.md", "python") if "standardwebhooks" in one]
    assert len([line for line in script.splitlines() if line]) <= 15
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script.replace("8088", str(port)), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        await listening(port)
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def listening(port: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def test_the_receiver_of_the_page_takes_a_change(server: Server, demo: Demo, clock: Clock, port: int) -> None:
    clock.moment = dt.datetime.now(dt.UTC)
    async with firmtrail.AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        hook = await client.webhooks.create(f"http://127.0.0.1:{port}/")
        async with receiving(port, hook.secret) as printed:
            async with httpx.AsyncClient(base_url=server.url, auth=demo.device_key) as device:
                (await device.post(demo.path, json={"version": "1.5.0"})).raise_for_status()

            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await printed.readline() == b"firmware_change.opened 1.5.0\n"


async def test_the_receiver_of_the_page_refuses_a_forged_test(
    server: Server, demo: Demo, clock: Clock, port: int
) -> None:
    clock.moment = dt.datetime.now(dt.UTC)
    async with firmtrail.AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        hook = await client.webhooks.create(f"http://127.0.0.1:{port}/")
        async with receiving(port, hook.secret):
            assert (await client.webhooks.test(hook.id)).status is DeliveryStatus.DELIVERED
        await client.webhooks.rotate_secret(hook.id, overlap_seconds=0)
        async with receiving(port, hook.secret):
            forged = await client.webhooks.test(hook.id)

    assert (forged.status, forged.status_code) == (DeliveryStatus.FAILED, 400)
