"""Clients of the SDK with its own retries, as programs use it: what fails here, a program would see."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

from firmtrail import ApiKey, AsyncClient, FirmtrailError
from tests.server.faults.load import Device, Fleet

_PAUSE_SECONDS = 0.2


@attrs.frozen
class Called:
    #: when it ended, of time.monotonic
    at: float
    #: None if it succeeded
    error: str | None


@asynccontextmanager
async def sdk_clients(fleet: Fleet, url: str) -> AsyncGenerator[list[Called]]:
    """Report and read with one client a device until the block ends; gives what became of the calls."""
    called: list[Called] = []
    async with asyncio.TaskGroup() as clients:
        tasks = [clients.create_task(_use(device, url, called)) for device in fleet.devices]
        try:
            yield called
        finally:
            for task in tasks:
                task.cancel()


async def _use(device: Device, url: str, called: list[Called]) -> None:
    device_id = device.path.split("/")[3]
    async with AsyncClient(url, api_key=_key(device)) as client:
        while True:
            try:
                await client.firmware.report(device_id, "1.0.0")
                error = None
            except FirmtrailError as failure:
                error = f"{type(failure).__name__}: {failure}"
            called.append(Called(time.monotonic(), error))
            await asyncio.sleep(_PAUSE_SECONDS)


def _key(device: Device) -> ApiKey:
    return ApiKey.parse(base64.b64decode(device.headers["Authorization"].removeprefix("Basic ")).decode())
