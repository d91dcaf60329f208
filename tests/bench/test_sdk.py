"""What ./dev bench sdk measures: the calls really are made, by the SDK and by httpx alike."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.sdk.imports import _costs
from bench.sdk.loads import Load, ours_async, ours_sync, raw_async, raw_sync
from bench.sdk.server import DEVICE, DEVICES, running
from firmtrail import Client


@pytest.mark.parametrize("kind", ["report", "page"])
@pytest.mark.parametrize("load", [raw_sync, ours_sync, raw_async, ours_async])
def test_a_load_takes_time_and_cpu(load: Callable[[str], Load], kind: str) -> None:
    with running(0) as url:
        sample = load(kind)(url, 8, 4)

    assert sample.seconds > 0
    assert sample.cpu_seconds > 0


def test_the_answers_are_those_of_a_server() -> None:
    with running(5) as url, Client(url, api_key="id:secret", auth="basic") as client:
        assert client.firmware.report(DEVICE, "1.4.2").component == "main"
        assert len([*client.devices.list(DEVICE)]) == DEVICES


async def test_a_server_ends_with_its_block() -> None:
    with running(0) as url:
        host, port = url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, port)
        writer.close()

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


def test_an_import_costs_more_than_an_empty_program() -> None:
    costs = _costs(Path(sys.executable), {"import httpx": "import httpx"}, 1)

    assert costs["import httpx"] > 10
