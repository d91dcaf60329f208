"""Reading an export without I/O: rows in, verified rows out. What breaks off, or differs from its checksum, is refused.

Text is kept as it came, a piece being whole lines; of Arrow a piece is a record batch.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import uuid
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import attrs
from cattrs import BaseValidationError

from firmtrail._converters import thorough
from firmtrail.errors import ConfigError, ConnectionLostError, DecodeError, class_of
from firmtrail_contract import (
    ARROW_KEY,
    ARROW_TYPE,
    CSV_TYPE,
    NDJSON_TYPE,
    ExportEnd,
    ExportFailure,
    ExportMarker,
    Violation,
)

_OK = 200
_MARKER_LINES = {
    NDJSON_TYPE: re.compile(rb'^(\{"(?:start|position|end|error)":.*)\n', re.MULTILINE),
    CSV_TYPE: re.compile(rb"^#(.*)\n", re.MULTILINE),
}
_CONTINUATION = b"\xff\xff\xff\xff"
_PREFIX_BYTES = 8
#: where a flatbuffer's table of fields has the fourth one, after its own two sizes
_BODY_LENGTH = 4 + 2 * 3
#: a larger message is none of ours
_MAX_MESSAGE_BYTES = 1 << 30


@attrs.frozen
class Piece:
    """Some rows: whole lines of text, or a record batch; the header of CSV counts none."""

    rows: int
    content: Any


@attrs.frozen(kw_only=True)
class ExportProgress:
    """How far an export has come."""

    #: that are written
    rows: int
    #: of the devices, from 0 to 1; of an export that is not resumable, None
    share: float | None
    #: The number of the feed of changes before the first row was read: the changes after it make the rows exact, and go
    #: on from there. None: the export is of a range or a moment that was asked for.
    feed_number: int | None = None

    @classmethod
    def at(cls, rows: int, after: uuid.UUID | None, feed_number: int | None) -> ExportProgress:
        """Guess the share: device ids are random, so a part of the key has that part of the devices."""
        return cls(rows=rows, share=None if after is None else after.int / 2**128, feed_number=feed_number)


class Decoder(ABC):
    """Counts and sums up what came, and holds the end against that."""

    def __init__(self) -> None:
        self._rows, self._digest = 0, hashlib.sha256()
        #: whether all of it has come
        self.is_whole = False

    @abstractmethod
    def feed(self, data: bytes) -> Iterator[Piece | ExportMarker]:
        """Take some bytes, and give what is complete.

        Raises:
            DecodeError: it is no export, or not as it was sent.
            ApiError: the server breaks off.
        """

    def check_end(self) -> None:
        """Raise `ConnectionLostError` unless the end has come."""
        if not self.is_whole:
            raise ConnectionLostError("The export broke off: its end is missing.")

    def _piece(self, rows: int, content: Any, sent: bytes) -> Piece:
        self._check_open()
        self._rows += rows
        self._digest.update(sent)
        return Piece(rows, content)

    def _marker(self, text: bytes, sent: bytes) -> ExportMarker:
        self._check_open()
        marker = _read_marker(text)
        if marker.error is not None:
            raise _failed(marker.error)
        if marker.end is not None:
            self._end(marker.end)
        self._digest.update(sent)
        return marker

    def _check_open(self) -> None:
        if self.is_whole:
            raise _damaged("it goes on after its end")

    def _end(self, end: ExportEnd) -> None:
        if (end.rows, end.sha256) != (self._rows, self._digest.hexdigest()):
            raise _damaged(f"it has {self._rows} rows of {end.rows}, or others")
        self.is_whole = True


class TextDecoder(Decoder):
    """NDJSON and CSV: lines, of which some are markers."""

    def __init__(self, media_type: str) -> None:
        super().__init__()
        self._markers = _MARKER_LINES[media_type]
        self._waits_for_header = media_type == CSV_TYPE
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Piece | ExportMarker]:
        head, line_break, rest = data.rpartition(b"\n")
        if not line_break:
            self._rest += data
            return
        text, self._rest = self._rest + head + line_break, rest
        begins = 0
        for found in self._markers.finditer(text):
            yield from self._lines(text[begins : found.start()])
            yield self._marker(found[1], found[0])
            begins = found.end()
        yield from self._lines(text[begins:])

    def _lines(self, text: bytes) -> Iterator[Piece]:
        if not text:
            return
        if self._waits_for_header:
            self._waits_for_header = False
            header, line_break, text = text.partition(b"\n")
            yield self._piece(0, header + line_break, header + line_break)
        if text:
            yield self._piece(text.count(b"\n"), text, text)


class ArrowDecoder(Decoder):
    """Arrow's stream format, message by message, as they come: pyarrow's own reader would wait for them.

    https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
    """

    def __init__(self) -> None:
        super().__init__()
        self._arrow = arrow()
        self._buffer = bytearray()
        self._schema = b""

    def feed(self, data: bytes) -> Iterator[Piece | ExportMarker]:
        self._buffer += data
        while message := self._next_message():
            yield from self._read(message)

    def _next_message(self) -> bytes | None:
        size = self._message_size()
        if size is None or size > len(self._buffer):
            return None
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        return message

    def _message_size(self) -> int | None:
        if len(self._buffer) < _PREFIX_BYTES:
            return None
        if not self._buffer.startswith(_CONTINUATION):
            raise _damaged("this is no Arrow stream")
        (metadata_size,) = struct.unpack_from("<i", self._buffer, 4)
        if metadata_size == 0:
            return _PREFIX_BYTES
        if len(self._buffer) < _PREFIX_BYTES + metadata_size:
            return None
        size = _PREFIX_BYTES + metadata_size + _body_length(self._buffer, _PREFIX_BYTES)
        if not 0 < size < _MAX_MESSAGE_BYTES:
            raise _damaged("a message has an impossible size")
        return size

    def _read(self, message: bytes) -> Iterator[Piece | ExportMarker]:
        if len(message) == _PREFIX_BYTES:
            return
        try:
            reader = self._arrow.ipc.open_stream(self._schema + message)
            if not self._schema:
                self._schema = message
                yield self._marker(reader.schema.metadata[ARROW_KEY], message)
                return
            batch, metadata = reader.read_next_batch_with_custom_metadata()
        except (self._arrow.ArrowException, LookupError, TypeError, OSError, EOFError) as error:
            raise _damaged(f"{type(error).__name__} in its Arrow stream") from None
        if metadata is not None and ARROW_KEY in metadata:
            yield self._marker(metadata[ARROW_KEY], message)
        else:
            yield self._piece(batch.num_rows, batch, message)


def _body_length(buffer: bytearray, begins: int) -> int:
    """Read a field of the flatbuffer that a message begins with: version, header type, header, body length."""
    try:
        table = begins + struct.unpack_from("<I", buffer, begins)[0]
        fields = table - struct.unpack_from("<i", buffer, table)[0]
        (end_of_fields,) = struct.unpack_from("<H", buffer, fields)
        place = end_of_fields >= _BODY_LENGTH + 2 and struct.unpack_from("<H", buffer, fields + _BODY_LENGTH)[0]
        return struct.unpack_from("<q", buffer, table + place)[0] if place else 0
    except struct.error:
        raise _damaged("a message of its Arrow stream cannot be read") from None


def new_decoder(media_type: str) -> Decoder:
    """Make what reads one answer.

    Raises:
        ConfigError: what it takes is not installed.
    """
    return ArrowDecoder() if media_type == ARROW_TYPE else TextDecoder(media_type)


def arrow() -> Any:
    """Import pyarrow.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import_module("pyarrow.ipc")
        return import_module("pyarrow")
    except ImportError:
        raise ConfigError("This takes pyarrow: pip install 'firmtrail[arrow]'.") from None


class Decompressor:
    """Takes the content coding of an answer away, piece by piece."""

    def __init__(self, coding: str) -> None:
        """Begin.

        Raises:
            DecodeError: it is compressed in a way that was not asked for.
        """
        self._errors: tuple[type[Exception], ...] = ()
        self._stream: Any = None
        if coding == "gzip":
            self._stream, self._errors = zlib.decompressobj(16 + zlib.MAX_WBITS), (zlib.error,)
        elif coding == "zstd":
            import zstandard  # noqa: PLC0415  it was asked for because it is installed

            self._stream, self._errors = zstandard.ZstdDecompressor().decompressobj(), (zstandard.ZstdError,)
        elif coding not in {"", "identity"}:
            raise _damaged(f"it is compressed with {coding}, which was not asked for")

    def decompress(self, data: bytes) -> bytes:
        """Give what can be read so far.

        Raises:
            DecodeError: it is not compressed as it says.
        """
        try:
            return self._stream.decompress(data) if self._stream else data
        except self._errors:
            reason = "it cannot be decompressed"
        raise _damaged(reason)


def accepted_coding() -> str:
    """Say how the server may compress: with zstd where it can be read, else not at all."""
    return "zstd" if find_spec("zstandard") else "identity"


def _read_marker(text: bytes) -> ExportMarker:
    try:
        return thorough.structure(json.loads(text), ExportMarker)
    except (BaseValidationError, Violation, ValueError, RecursionError):
        raise _damaged("a marker cannot be read") from None


def _failed(failure: ExportFailure) -> Exception:
    return class_of(_OK, failure.code)(
        status=None, title="The export broke off.", detail=failure.detail, code=failure.code
    )


def _damaged(reason: str) -> DecodeError:
    return DecodeError(f"The export is not as the server sent it: {reason}.", status=_OK)
