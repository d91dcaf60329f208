"""What the load sends, as a function, held against a count and against wrk itself."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.fleet import make_fleet
from bench.load import drive
from bench.requests import REPORT, agents_batch, clock_now, request, write_requests
from bench.walk import CHANGE_EVERY, RARE_CHANGE_EVERY, Walk

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


def version(device: int, visit: int, change_every: int = CHANGE_EVERY) -> int:
    return (device + visit) // change_every


def counted_one_by_one(devices: int, position: int, change_every: int) -> int:
    sent = {
        (number % devices, version(number % devices, number // devices, change_every)) for number in range(position)
    }
    return len(sent)


@pytest.mark.parametrize("change_every", [CHANGE_EVERY, RARE_CHANGE_EVERY])
@pytest.mark.parametrize("position", [0, 1, 7, 8, 69, 70, 71, 700, 1234, 7000])
def test_versions_sent_are_those_of_every_visit(position: int, change_every: int) -> None:
    walk = Walk(devices=7, position=position, change_every=change_every)

    assert walk.versions_sent() == counted_one_by_one(7, position, change_every)


@pytest.mark.parametrize("position", [0, 6, 7, 62, 63, 64, 700])
def test_the_next_visit_is_the_one_that_the_script_makes(position: int) -> None:
    assert Walk(devices=7, position=position).next_visit() == (position % 7, version(position % 7, position // 7))


def test_one_visit_of_ten_brings_a_new_version() -> None:
    before, after = Walk(devices=1000, position=1000), Walk(devices=1000, position=101_000)

    assert after.versions_sent() - before.versions_sent() == 10_000


@pytest.fixture
def received() -> list[tuple[str, str, str]]:
    """Path, Authorization and body of every request."""
    return []


@pytest.fixture
async def recorder(received: list[tuple[str, str, str]]) -> AsyncGenerator[str]:
    async def record(request: web.Request) -> web.Response:
        if request.path == "/refused":
            raise web.HTTPServiceUnavailable
        received.append((request.path, request.headers["Authorization"], await request.text()))
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/{path:.*}", record)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@needs_wrk
@pytest.mark.parametrize("change_every", [2, CHANGE_EVERY])
async def test_wrk_walks_over_the_fleet_and_goes_on_where_it_was(
    recorder: str, received: list[tuple[str, str, str]], tmp_path: Path, change_every: int
) -> None:
    requests = write_requests(
        tmp_path / "requests",
        [request(f"POST /devices/{n}", [f"Authorization: Basic key{n}"], REPORT) for n in range(7)],
    )
    walk = Walk(devices=7, change_every=change_every)

    for _ in range(2):
        await asyncio.to_thread(drive, recorder, requests, walk, seconds=1, connections=1)

    sent = [
        (f"/devices/{n % 7}", f"Basic key{n % 7}", f'{{"version": "1.0.{version(n % 7, n // 7, change_every):07d}"}}')
        for n in range(walk.position)
    ]
    rest = iter(sent)
    assert all(request in rest for request in received)  # in this order
    assert len(sent) - len(received) <= 2  # one may be cut off at the end of each run


@needs_wrk
async def test_the_boot_clock_of_a_device_grows_with_every_batch(
    recorder: str, received: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    device = make_fleet(1)[0]
    requests, walk, before = write_requests(tmp_path / "requests", [agents_batch(device)]), Walk(1), clock_now()

    for _ in range(2):
        await asyncio.to_thread(drive, recorder, requests, walk, seconds=1, connections=1)

    sent = [json.loads(text) for _, _, text in received]
    clocks = [batch["sent"]["boot_time_ms"] for batch in sent]
    assert all(batch["records"][0]["first_observed"] == batch["sent"] for batch in sent)
    assert all(earlier < later for earlier, later in pairwise(clocks))
    assert before - 1000 <= clocks[0] <= clocks[-1] <= clock_now() + walk.passes


@needs_wrk
async def test_a_refusal_is_counted(recorder: str, tmp_path: Path) -> None:
    requests = write_requests(tmp_path / "requests", [request("POST /refused", ["Authorization: Basic key"], REPORT)])

    load = await asyncio.to_thread(drive, recorder, requests, Walk(devices=1), seconds=1, connections=1)

    assert load.wrong == load.requests > 0
