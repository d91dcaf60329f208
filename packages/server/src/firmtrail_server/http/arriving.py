"""How long the body of a request may take to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from firmtrail_server.errors import RequestTooSlow


@asynccontextmanager
async def arriving_within(seconds: float) -> AsyncGenerator[None]:
    """End a block that reads a body when its time is over.

    Raises:
        RequestTooSlow: it is.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise RequestTooSlow(seconds) from None
