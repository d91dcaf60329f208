"""Content codings (RFC 9110, section 8.4): of a body, decompressing no more than may be read; and of streamed answers.

aiohttp would decompress every body that it is sent, also one that nobody reads.
"""

from __future__ import annotations

import zlib
from typing import Final

import zstandard
from aiohttp import hdrs

from firmtrail_server.errors import BodyDamaged, BodyTooLarge, ContentCodingUnknown
from firmtrail_server.http.request import Request

#: as an Accept-Encoding header lists them
UNDERSTOOD: Final = "gzip, deflate"
_GZIP_ONLY = 16 + zlib.MAX_WBITS  # zlib's manual, inflateInit2
_WINDOW_BITS: Final = {"gzip": _GZIP_ONLY, "x-gzip": _GZIP_ONLY, "deflate": zlib.MAX_WBITS}
_AS_IT_IS = {"", "identity"}


def content_coding_of(request: Request) -> str | None:
    """Say how the body is compressed; None: it is not.

    Raises:
        ContentCodingUnknown: not in one of the ways that are understood, or several times.
    """
    coding = ", ".join(request.headers.getall(hdrs.CONTENT_ENCODING, [])).strip().lower()
    if coding in _AS_IT_IS:
        return None
    if coding not in _WINDOW_BITS:
        raise ContentCodingUnknown
    return coding


def decompressed(content: bytes | bytearray, coding: str, limit: int) -> bytes:
    """Unpack a whole body to at most `limit` bytes.

    Raises:
        BodyDamaged: it is not compressed as it says, breaks off, or goes on after its end.
        BodyTooLarge: it would be larger.
    """
    decompressing = zlib.decompressobj(_WINDOW_BITS[coding])
    try:
        body = decompressing.decompress(content, limit + 1)
    except zlib.error:
        raise BodyDamaged from None
    if len(body) > limit:
        raise BodyTooLarge(limit)
    if not decompressing.eof or decompressing.unused_data:
        raise BodyDamaged
    return body


class GzipCompressor:
    """Compresses a stream, fast rather than small."""

    coding = "gzip"

    def __init__(self) -> None:
        self._stream = zlib.compressobj(level=1, wbits=_GZIP_ONLY)

    def compress(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._stream.flush()


class ZstdCompressor:
    """The same in less time and space (RFC 8878)."""

    coding = "zstd"

    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor(level=1).compressobj()

    def compress(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def flush(self) -> bytes:
        return self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self) -> bytes:
        return self._stream.flush()
