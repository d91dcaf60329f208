"""A stretch until it is sent: compressed, and in memory up to a size, since a container may have no other place."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager

import zstandard

#: compressed; what is larger goes to a temporary file
IN_MEMORY_BYTES = 16 * 1024 * 1024
_FASTEST = 1


class Spool:
    """Is written from its beginning to its end, and then read."""

    def __init__(self, file: tempfile.SpooledTemporaryFile[bytes]) -> None:
        self._file = file
        self._compressing = zstandard.ZstdCompressor(level=_FASTEST).stream_writer(file, closefd=False)
        self._decompressing = zstandard.ZstdDecompressor().stream_reader(file, closefd=False)

    def write(self, content: bytes) -> None:
        self._compressing.write(content)

    def rewind(self) -> None:
        """End the writing."""
        self._compressing.flush(zstandard.FLUSH_FRAME)
        self._file.seek(0)

    def read(self, size: int) -> bytes:
        """Give at most so many bytes more; none: that was all."""
        return self._decompressing.read(size)


@contextmanager
def open_spool() -> Generator[Spool]:
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        yield Spool(file)
