"""The agent in this process and in virtual time: every sleep is over at once, and the clocks have moved."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from firmtrail_agent.config import configuration
from firmtrail_agent.config.layers import Layers
from firmtrail_agent.config.settings import read_settings
from firmtrail_agent.daemon.agent import Agent
from firmtrail_agent.system.host import Host
from tests.agent.support.device import Device

#: a moment at which nothing special happens: 1 March 2027
START = 1_803_902_400.0
OFTEN = 5


class VirtualTime:
    """The clocks of a device, over many boots."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wall_offset = START
        self.suspended = 0.0
        self.booted = 0.0
        self.boot_id = uuid.UUID(int=1)
        self.sleeps: list[float] = []
        self.slept_often = asyncio.Event()
        self._awaited: list[tuple[float, asyncio.Event]] = []

    def reboot(self, *, after: float = 60.0) -> None:
        self.now += after
        self.booted = self.now
        self.boot_id = uuid.UUID(int=self.boot_id.int + 1)

    async def passes(self, seconds: float) -> None:
        """Wait until this time has passed in the life of the agent."""
        passed = asyncio.Event()
        self._awaited.append((self.now + seconds, passed))
        await passed.wait()

    def boot_time(self) -> float:
        return self.now - self.booted

    def wall_time(self) -> float:
        return self.now + self.wall_offset

    def monotonic(self) -> float:
        return self.now - self.booted - self.suspended

    async def pause(self, seconds: float, wake: asyncio.Event) -> None:
        await asyncio.sleep(0)  # let happen what happens
        if not wake.is_set():
            self.now += max(seconds, 0.001)  # less may be nothing, for floats of this size
            self.sleeps.append(seconds)
            if len(self.sleeps) >= OFTEN:
                self.slept_often.set()
            for moment, passed in self._awaited:
                if self.now >= moment:
                    passed.set()

    def host(self, device: Device) -> Host:
        return Host(
            environment={"FIRMTRAIL_AGENT_BOOT_ID": str(self.boot_id)},
            root=device.root,
            boot_time=self.boot_time,
            wall_time=self.wall_time,
            monotonic=self.monotonic,
            pause=self.pause,
            random=random.Random(1),
        )


@asynccontextmanager
async def running(device: Device, time: VirtualTime) -> AsyncGenerator[Agent]:
    """Run the agent; it is stopped as systemd does it."""
    layers = Layers(environment={}, root=device.root)
    settings = read_settings(lambda: configuration.load(layers), {})
    agent = Agent(settings, time.host(device))
    task = asyncio.create_task(agent.run())
    await asyncio.sleep(0)
    yield agent
    os.kill(os.getpid(), signal.SIGTERM)
    await task
