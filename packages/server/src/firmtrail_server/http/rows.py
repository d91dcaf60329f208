"""A body of many rows: CSV or NDJSON, larger than other bodies may be."""

from __future__ import annotations

import attrs

from firmtrail_server.errors import MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.request import Request
from firmtrail_server.http.request_body import read_body

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


async def read_rows(request: Request) -> Rows:
    """Read the whole body.

    Raises:
        UnsupportedMediaType: it is neither CSV nor NDJSON, or is compressed in a way that is not understood.
        MalformedRequest: it is not UTF-8, breaks off, or is not compressed as it says.
        RequestTooSlow: it does not arrive in time.
        BodyTooLarge: it is larger than `MAX_ROWS_BYTES`, compressed or decompressed.
    """
    content_type = request.utf8_type
    if content_type not in (CSV, NDJSON):
        raise UnsupportedMediaType(f"Send the body as {CSV} or {NDJSON} in UTF-8.")
    content = await read_body(request, max_bytes=MAX_ROWS_BYTES, seconds=ROWS_SECONDS)
    try:
        return Rows(content_type=content_type, text=content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None
