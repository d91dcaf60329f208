"""The client's thread: what hangs in it is left behind, and what the agent never needs is never loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Generator

import pytest

from firmtrail import Client, DeadlineExceededError
from firmtrail_agent.server import client as client_module
from firmtrail_agent.server.client import Connection
from tests.agent.support.device import Device
from tests.agent.support.report_server import ReportServer

#: the first is what an async client brings, when it connects; the rest is of programs that are no agent
NEVER_LOADED = {
    "anyio._backends._asyncio",
    "firmtrail._async.client",
    "firmtrail._gateways",
    "firmtrail_contract.devices",
    "firmtrail_contract.gateways",
    "firmtrail_contract.oauth",
    "firmtrail_contract.users",
    "orjson",
}
LOADED_AT_THE_END = """
import os, sys
leave = os._exit
def tell(code):
    print("loaded:", *sys.modules)
    sys.stdout.flush()
    leave(code)
os._exit = tell
from firmtrail_agent.cli import main
main()
"""


@pytest.fixture
def hung() -> Generator[threading.Event]:
    """Unset, it is a look-up that hangs."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Generator[Connection]:
    monkeypatch.setattr(client_module, "_LEFT_BEHIND_AFTER_SECONDS", 0.0)
    opened = Connection(Client("http://127.0.0.1:9", api_key=f"{'0' * 8}-0000-4000-8000-{'0' * 12}:made-up"), 0.05)
    yield opened
    opened.close()


async def test_a_lookup_that_hangs_ends_the_call_and_gets_no_second_thread(
    connection: Connection, hung: threading.Event
) -> None:
    asked: list[str] = []
    with pytest.raises(DeadlineExceededError):
        await connection.call(lambda _: hung.wait())
    with pytest.raises(DeadlineExceededError):
        await connection.call(lambda _: asked.append("while it hung"))
    hung.set()

    while "after it" not in asked:
        try:
            await connection.call(lambda _: asked.append("after it"))
        except DeadlineExceededError:
            await asyncio.sleep(0.01)

    assert asked == ["after it"]


async def test_a_report_loads_nothing_that_an_agent_does_not_need(device: Device, server: ReportServer) -> None:
    command = [sys.executable, "-c", LOADED_AT_THE_END, "--root", str(device.root), "report"]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    loaded = {*ended.stdout.rpartition("loaded: ")[2].split()}

    assert ended.returncode == 0, ended.stderr
    assert len(server.received) == 1
    assert "httpx" in loaded
    assert not loaded & NEVER_LOADED
