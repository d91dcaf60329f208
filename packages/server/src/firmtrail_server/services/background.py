"""Work that goes on beside requests, for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

logger = logging.getLogger(__name__)

_SECONDS_AFTER_A_FAILURE = 30
_SECONDS_BETWEEN_CANCELLATIONS = 0.2


@asynccontextmanager
async def in_background(**works: Callable[[], Awaitable[NoReturn]]) -> AsyncGenerator[None]:
    """Run endless works, each under its name, while the block lasts; one that fails starts again after a while."""
    tasks = [asyncio.create_task(_endlessly(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        await end(*tasks)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for their ends.

    One cancellation can be lost: until Python 3.12, `asyncio.wait_for` swallows one that arrives together with what it
    waits for, and the driver waits by it for the database.
    """
    running = {*tasks}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_SECONDS_BETWEEN_CANCELLATIONS)


async def _endlessly(name: str, work: Callable[[], Awaitable[NoReturn]]) -> NoReturn:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("%s failed; it goes on in %d s", name, _SECONDS_AFTER_A_FAILURE)
            await asyncio.sleep(_SECONDS_AFTER_A_FAILURE)
