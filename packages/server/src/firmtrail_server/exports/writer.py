"""An export's bytes: rows and markers in their format, counted, summed up and compressed."""

from __future__ import annotations

import hashlib
import uuid
from typing import Protocol

from firmtrail_contract import ExportEnd, ExportFailure, ExportMarker, ExportPosition, ExportStart
from firmtrail_server.errors import DomainError
from firmtrail_server.exports.formats import Format


class Compressor(Protocol):
    """Compresses a stream."""

    def compress(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes:
        """Give all that was taken so far, so that it can be decompressed."""
        ...

    def finish(self) -> bytes: ...


class Writer:
    """Writes one answer; nothing but the last marker tells that it is whole."""

    def __init__(self, form: Format, compressor: Compressor | None) -> None:
        self.form = form
        self._compressor = compressor
        self._digest = hashlib.sha256()
        #: rows so far
        self.written = 0

    def begin(self, start: ExportStart) -> bytes:
        return self._sent(self.form.begin(ExportMarker(start=start)))

    def rows(self, count: int, content: bytes) -> bytes:
        self.written += count
        return self._sent(content)

    def position(self, after: uuid.UUID) -> bytes:
        written = self._sent(self.form.marker(ExportMarker(position=ExportPosition(after=after))))
        return written + self._flushed()

    def end(self) -> bytes:
        end = ExportEnd(rows=self.written, sha256=self._digest.hexdigest())
        written = self._sent(self.form.marker(ExportMarker(end=end)) + self.form.end())
        return written + (self._compressor.finish() if self._compressor else b"")

    def failure(self, error: DomainError) -> bytes:
        """Say why nothing follows; the answer stays without its end."""
        failure = ExportFailure(code=error.code, detail=str(error))
        return self._sent(self.form.marker(ExportMarker(error=failure))) + self._flushed()

    def _sent(self, content: bytes) -> bytes:
        self._digest.update(content)
        return self._compressor.compress(content) if self._compressor else content

    def _flushed(self) -> bytes:
        return self._compressor.flush() if self._compressor else b""
