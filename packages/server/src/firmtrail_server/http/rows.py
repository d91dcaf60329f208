"""A body of many rows: CSV or NDJSON, larger than other bodies may be."""

from __future__ import annotations

import attrs
from aiohttp import web

from firmtrail_server.errors import BodyDamaged, MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.body_timeouts import arriving_within
from firmtrail_server.http.content_coding import content_coding_of, decompressed

CSV = "text/csv"
NDJSON = "application/x-ndjson"
MAX_ROWS_BYTES = 4 * 1024 * 1024
#: for all of them to arrive, also over a poor line
ROWS_SECONDS = 300


@attrs.frozen(kw_only=True)
class Rows:
    """Text of one row a line."""

    #: `CSV` or `NDJSON`
    content_type: str
    text: str


async def read_rows(request: web.BaseRequest) -> Rows:
    """Read the whole body.

    Raises:
        UnsupportedMediaType: it is neither CSV nor NDJSON, or is compressed in a way that is not understood.
        MalformedRequest: it is not UTF-8, breaks off, or is not compressed as it says.
        RequestTooSlow: it does not arrive in time.
        web.HTTPRequestEntityTooLarge: it is larger than `MAX_ROWS_BYTES`, compressed or decompressed.
    """
    if request.content_type not in (CSV, NDJSON) or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType(f"Send the body as {CSV} or {NDJSON} in UTF-8.")
    coding = content_coding_of(request)
    content = await _read_sent(request)
    text = decompressed(content, coding, MAX_ROWS_BYTES) if coding else content
    try:
        return Rows(content_type=request.content_type, text=text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None


async def _read_sent(request: web.BaseRequest) -> bytearray:
    content = bytearray()
    try:
        async with arriving_within(ROWS_SECONDS, request):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > MAX_ROWS_BYTES:
                    raise web.HTTPRequestEntityTooLarge(MAX_ROWS_BYTES, len(content))
    except (web.RequestPayloadError, ConnectionError):
        raise BodyDamaged from None
    return content
