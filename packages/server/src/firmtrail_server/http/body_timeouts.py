"""Waiting for the body of a request: that it is sent, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import HttpVersion11, hdrs, web

from firmtrail_server.errors import RequestTooSlow


@asynccontextmanager
async def arriving_within(seconds: float, request: web.BaseRequest) -> AsyncGenerator[None]:
    """End a block that reads a body when its time is over; a client that waits to be asked for it is asked.

    Raises:
        RequestTooSlow: it is.
    """
    try:
        async with asyncio.timeout(seconds):
            if _waits_to_be_asked(request):
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # the answer has not begun yet
            yield
    except TimeoutError:
        raise RequestTooSlow(seconds) from None


def _waits_to_be_asked(request: web.BaseRequest) -> bool:
    """Say whether the client wants a 100, which one of HTTP/1.0 would not understand (RFC 9110, section 10.1.1)."""
    return request.version >= HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
