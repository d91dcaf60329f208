"""Server-sent events, as the HTML standard defines them: a response that goes on until its events end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiohttp import HttpVersion, HttpVersion11, hdrs

from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response, json_bytes

EVENT_STREAM = "text/event-stream"
#: said so that nothing in between takes the connection for dead, and a client that is gone is found out
HEARTBEAT = b":\n\n"
#: a proxy that gathers answers would hold events back
_KIND = f"Content-Type: {EVENT_STREAM}\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
_OK = 200


def event(number: int, name: str, model: Any) -> bytes:
    """Write an event; JSON has no line breaks."""
    return f"id: {number}\nevent: {name}\ndata: ".encode() + json_bytes(model) + b"\n\n"


class EventStream(Response):
    """A response whose body is made while it is sent; the connection closes after it."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__(_OK, _KIND)
        self._chunks = chunks
        self.force_close()

    def _framing(self, version: HttpVersion) -> str:
        """HTTP/1.0 has no chunks: there the body ends with the connection."""
        return "Transfer-Encoding: chunked\r\n" if version >= HttpVersion11 else ""

    async def send(self, request: Request) -> None:
        """Send all that comes.

        Raises:
            ConnectionError: the client has gone.
        """
        send = request.client.send
        await send(self.head(request.id, request.version))
        if request.method == hdrs.METH_HEAD:
            return
        is_chunked = request.version >= HttpVersion11
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
        await send(b"0\r\n\r\n" if is_chunked else b"")
