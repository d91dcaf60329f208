"""Reading the body of a request: within a time, up to a size, decompressed."""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, hdrs

from firmtrail_server.errors import BodyDamaged, BodyTooLarge, RequestTooSlow
from firmtrail_server.http.content_coding import content_coding_of, decompressed
from firmtrail_server.http.request import Request


async def read_body(request: Request, *, max_bytes: int, seconds: float) -> bytes:
    """Read a whole body.

    Raises:
        BodyDamaged: it breaks off, or is not compressed as it says.
        ContentCodingUnknown: it is compressed in a way that is not understood.
        RequestTooSlow: it does not arrive in time.
        BodyTooLarge: it is larger than `max_bytes`, compressed or decompressed.
    """
    coding = content_coding_of(request) if hdrs.CONTENT_ENCODING in request.headers else None
    content = request.content
    try:
        if not content.is_eof():
            body = await _arriving(request, max_bytes, seconds)
        else:  # nearly every body comes with its head
            body = content.read_nowait()
            _check_size(body, max_bytes)
    except ConnectionError:
        raise BodyDamaged from None
    return decompressed(body, coding, max_bytes) if coding else body


async def _arriving(request: Request, max_bytes: int, seconds: float) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            if _waits_to_be_asked(request):
                await request.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            while block := await request.content.readany():
                body += block
                _check_size(body, max_bytes)
    except TimeoutError:
        raise RequestTooSlow(seconds) from None
    return bytes(body)


def _check_size(body: bytes | bytearray, max_bytes: int) -> None:
    if len(body) > max_bytes:
        raise BodyTooLarge(max_bytes)


def _waits_to_be_asked(request: Request) -> bool:
    """Say whether the client wants a 100, which one of HTTP/1.0 would not understand (RFC 9110, section 10.1.1)."""
    return request.version >= HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
