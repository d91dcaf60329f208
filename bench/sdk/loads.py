"""The same calls by the SDK and by httpx alone, one at a time and sixteen at once, by threads and by tasks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from bench.sdk.server import DEVICE
from firmtrail import AsyncClient, Client

KEY = ("00000000-0000-4000-8000-000000000002", "ftp_made-up")
_REPORT = f"/v1/devices/{DEVICE}/firmware_version"
_DEVICES = f"/v1/projects/{DEVICE}/devices"
_BODY = {"version": "1.4.2", "component": "main", "observed_at": "2026-05-03T12:00:00.000000Z"}
_QUERY = {"page_size": 100}


@dataclass(frozen=True)
class Sample:
    """A load: seconds it took, and seconds of CPU of this process, a call."""

    seconds: float
    cpu_seconds: float


#: makes this many calls at a URL, so many at once
Load = Callable[[str, int, int], Sample]


def raw_sync(kind: str) -> Load:
    def run(url: str, count: int, at_once: int) -> Sample:
        with httpx.Client(base_url=url, auth=KEY, trust_env=False) as client:
            if kind == "report":
                return _by_threads(lambda: json.loads(client.post(_REPORT, json=_BODY).content), count, at_once)
            return _by_threads(lambda: json.loads(client.get(_DEVICES, params=_QUERY).content), count, at_once)

    return run


def ours_sync(kind: str) -> Load:
    def run(url: str, count: int, at_once: int) -> Sample:
        with Client(url, api_key=":".join(KEY), auth="basic") as client:
            if kind == "report":
                return _by_threads(lambda: client.firmware.report(DEVICE, "1.4.2"), count, at_once)
            return _by_threads(lambda: [*client.devices.list(DEVICE)], count, at_once)

    return run


def raw_async(kind: str) -> Load:
    async def run(url: str, count: int, at_once: int) -> Sample:
        async with httpx.AsyncClient(base_url=url, auth=KEY, trust_env=False) as client:

            async def report() -> object:
                return json.loads((await client.post(_REPORT, json=_BODY)).content)

            async def page() -> object:
                return json.loads((await client.get(_DEVICES, params=_QUERY)).content)

            return await _by_tasks(report if kind == "report" else page, count, at_once)

    return lambda url, count, at_once: asyncio.run(run(url, count, at_once))


def ours_async(kind: str) -> Load:
    async def run(url: str, count: int, at_once: int) -> Sample:
        async with AsyncClient(url, api_key=":".join(KEY), auth="basic") as client:

            async def report() -> object:
                return await client.firmware.report(DEVICE, "1.4.2")

            async def page() -> object:
                return [device async for device in client.devices.list(DEVICE)]

            return await _by_tasks(report if kind == "report" else page, count, at_once)

    return lambda url, count, at_once: asyncio.run(run(url, count, at_once))


def _by_threads(call: Callable[[], object], count: int, at_once: int) -> Sample:
    def make(calls: int) -> None:
        for made in [pool.submit(call) for _ in range(calls)]:
            made.result()

    with ThreadPoolExecutor(at_once) as pool:
        make(2 * at_once)  # connections open, modules are imported
        began = _now()
        make(count)
        return _since(began, count)


async def _by_tasks(call: Callable[[], Awaitable[object]], count: int, at_once: int) -> Sample:
    async def work(calls: int) -> None:
        for _ in range(calls):
            await call()

    await asyncio.gather(*(work(2) for _ in range(at_once)))
    began = _now()
    await asyncio.gather(*(work(count // at_once) for _ in range(at_once)))
    return _since(began, count // at_once * at_once)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float], count: int) -> Sample:
    now = _now()
    return Sample((now[0] - began[0]) / count, (now[1] - began[1]) / count)
