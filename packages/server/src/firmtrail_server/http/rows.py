"""A body of many rows: CSV or NDJSON, larger than other bodies may be."""

from __future__ import annotations

import attrs
from aiohttp import web

from firmtrail_server.errors import MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.arriving import arriving_within

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
        UnsupportedMediaType: it is neither CSV nor NDJSON.
        MalformedRequest: it is not UTF-8, or breaks off.
        RequestTooSlow: it does not arrive in time.
        web.HTTPRequestEntityTooLarge: it is larger than `MAX_ROWS_BYTES`.
    """
    if request.content_type not in (CSV, NDJSON) or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType(f"Send the body as {CSV} or {NDJSON} in UTF-8.")
    content = bytearray()
    try:
        async with arriving_within(ROWS_SECONDS, request):
            async for chunk in request.content.iter_any():
                content += chunk
                if len(content) > MAX_ROWS_BYTES:
                    raise web.HTTPRequestEntityTooLarge(MAX_ROWS_BYTES, len(content))
        return Rows(content_type=request.content_type, text=content.decode("utf-8-sig"))
    except (web.RequestPayloadError, ConnectionError):
        raise MalformedRequest("The body breaks off, or is not encoded as its headers say.") from None
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None
