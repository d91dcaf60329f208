"""Work that goes on beside requests, for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

logger = logging.getLogger(__name__)

_SECONDS_AFTER_A_FAILURE = 30


@asynccontextmanager
async def in_background(**works: Callable[[], Awaitable[NoReturn]]) -> AsyncGenerator[None]:
    """Run endless works, each under its name, while the block lasts; one that fails starts again after a while."""
    tasks = [asyncio.create_task(_endlessly(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _endlessly(name: str, work: Callable[[], Awaitable[NoReturn]]) -> NoReturn:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("%s failed; it goes on in %d s", name, _SECONDS_AFTER_A_FAILURE)
            await asyncio.sleep(_SECONDS_AFTER_A_FAILURE)
