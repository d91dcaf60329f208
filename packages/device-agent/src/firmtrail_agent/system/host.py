"""What the daemon touches beside the network and the disk; a test brings its own."""

from __future__ import annotations

import asyncio
import random as randomness
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import attrs

from firmtrail_agent.system.boot import boot_time


async def pause(seconds: float, wake: asyncio.Event) -> None:
    """Sleep until the time is over or something happens."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()


@attrs.frozen(kw_only=True)
class Host:
    """Clocks, chance, the environment, and where the device's files are."""

    environment: Mapping[str, str]
    root: Path = Path("/")
    boot_time: Callable[[], float] = boot_time
    wall_time: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    pause: Callable[[float, asyncio.Event], Awaitable[None]] = pause
    random: randomness.Random = attrs.field(factory=randomness.SystemRandom)
