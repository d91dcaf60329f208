"""How the daemon goes on through every trouble: the real agent and a real server, in virtual time."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from firmtrail_agent import configuration, credentials
from firmtrail_agent.agent import Agent, Surroundings
from firmtrail_agent.layers import Layers
from tests.agent.device import KEY_ID, Device
from tests.agent.report_server import (
    ReportServer,
    nonsense,
    refusing,
    refusing_client,
    refusing_component,
    reset,
    taken,
    taking_only,
)

OFTEN = 5
NEW_KEY = f"{KEY_ID}:ftd_theNextKeyOfThisDevice"


class VirtualTime:
    """A clock that jumps to the end of every sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.slept_often = asyncio.Event()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        if len(self.sleeps) >= OFTEN:
            self.slept_often.set()
        await asyncio.sleep(0)


@asynccontextmanager
async def running(device: Device, time: VirtualTime) -> AsyncGenerator[None]:
    """Run the agent in this process; it is stopped as systemd does it."""
    chosen = configuration.load(Layers(environment={}, root=device.root))
    surroundings = Surroundings(
        environment={}, root=device.root, clock=time.clock, sleep=time.sleep, random=random.Random(1)
    )
    agent = Agent(chosen, credentials.load(chosen.key_file, {}), surroundings)
    task = asyncio.create_task(agent.run())
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    await task


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.mark.parametrize(
    "answer",
    [refusing(401), refusing(404), refusing(422), refusing(500), refusing(429, Retry_After="3600"), reset, nonsense],
    ids=["401", "404", "422", "500", "429", "reset", "nonsense"],
)
async def test_no_answer_ends_it(device: Device, server: ReportServer, time: VirtualTime, answer: object) -> None:
    server.answer = answer  # pyright: ignore[reportAttributeAccessIssue]  pytest cannot type a parameter of a test

    async with running(device, time):
        await server.arrival()
        server.answer = taken

        assert (await server.arrival()).version == "1.4.2"


async def test_it_reports_what_runs_now_and_not_what_ran_at_the_start(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        assert (await server.arrival()).version == "1.4.2"
        device.write("/etc/version", "1.5.0\n")

        while (await server.arrival()).version != "1.5.0":
            pass


async def test_a_source_that_fails_is_not_reported_until_it_gives_a_version_again(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    device.configure(server.url, sources={"modem": "/etc/modem", "main": "/etc/version"})

    async with running(device, time):
        assert (await server.arrival()).component == "main"
        assert (await server.arrival()).component == "main"
        device.write("/etc/modem", "9")

        while (await server.arrival()).component != "modem":
            pass


async def test_it_waits_as_long_as_the_server_asks(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = refusing(429, Retry_After="7200")

    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert time.now >= 7200


async def test_a_refused_key_is_replaced_by_a_new_one_at_once(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        device.write_key(NEW_KEY)
        server.answer, server.answer_token = taking_only(NEW_KEY), refusing_client(to=NEW_KEY)

        while (await server.arrival()).credential != NEW_KEY:
            pass
        refused = [report for report in server.received if report.credential != NEW_KEY][1:]

    assert len(refused) <= 1


async def test_a_refused_key_that_stays_the_same_is_tried_seldom(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = refusing(401)

    async with running(device, time):
        for _ in range(5):
            await server.arrival()

    assert time.now >= 4 * 300


async def test_a_lasting_trouble_is_logged_once_and_so_is_its_end(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing(404)
    async with running(device, time):
        for _ in range(5):
            await server.arrival()
        server.answer = taken
        for _ in range(5):
            await server.arrival()

    first, second = capfd.readouterr().err.splitlines()
    assert first.startswith("firmtrail-agent: wrong server or device: Not today.")
    assert second == "firmtrail-agent: the server takes reports again"


async def test_a_rejected_version_is_logged_and_the_next_report_comes_after_the_ordinary_interval(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing_component("main", 422)

    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert time.now >= 0.9 * 3600
    assert capfd.readouterr().err.startswith("firmtrail-agent: main: Not today.")


async def test_it_never_sleeps_for_more_than_half_a_minute(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert max(time.sleeps) <= 30


async def test_an_error_of_its_own_does_not_end_it_and_is_logged_once(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all")  # no client can be made in such an environment

    async with running(device, time):
        await time.slept_often.wait()
        monkeypatch.delenv("SSL_CERT_FILE")

        assert (await server.arrival()).version == "1.4.2"

    assert capfd.readouterr().err.count("Traceback") == 1
