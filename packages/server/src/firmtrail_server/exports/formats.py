"""What an export is written in: rows, and the markers around them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

import attrs

from firmtrail_contract import CSV_TYPE, NDJSON_TYPE, ExportMarker, strict_converter
from firmtrail_server.db import Drain
from firmtrail_server.exports import lines
from firmtrail_server.queries import exports
from firmtrail_server.queries.exports import Selection, Stretch

_converter = strict_converter()


class Format(Protocol):
    """A way to write an export; bytes are as they are sent, before compression."""

    @property
    def media_type(self) -> str: ...

    def begin(self, marker: ExportMarker) -> bytes: ...

    def rows(
        self, conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch | None
    ) -> Iterator[tuple[int, bytes]]:
        """Give a number of rows and their bytes, again and again."""
        ...

    def marker(self, marker: ExportMarker) -> bytes: ...

    def end(self) -> bytes:
        """Give what has to follow the last marker."""
        ...


@attrs.frozen(kw_only=True)
class TextFormat:
    """Lines: those of markers begin with a prefix where they would be taken for rows otherwise."""

    media_type: str
    prefix: bytes
    header: bytes
    #: takes a number of rows and their text
    write: Callable[[int, bytes], bytes]

    def begin(self, marker: ExportMarker) -> bytes:
        return self.marker(marker) + self.header

    def rows(
        self, conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch | None
    ) -> Iterator[tuple[int, bytes]]:
        if stretch is None:
            blocks = exports.copy_rows(conn, project_id, selection)
        else:
            blocks = exports.copy_rows_of(conn, project_id, selection, stretch)
        for rows, text in blocks:
            yield rows, self.write(rows, text)

    def marker(self, marker: ExportMarker) -> bytes:
        return self.prefix + marker_text(marker) + b"\n"

    def end(self) -> bytes:
        return b""


def marker_text(marker: ExportMarker) -> bytes:
    """Write a marker as JSON, without what it is not."""
    known = {name: value for name, value in _converter.unstructure(marker).items() if value is not None}
    return json.dumps(known, separators=(",", ":")).encode()


NDJSON = TextFormat(
    media_type=NDJSON_TYPE,
    prefix=b"",
    header=b"",
    write=lines.ndjson,
)
CSV = TextFormat(
    media_type=CSV_TYPE,
    prefix=b"#",
    header=lines.csv_header(),
    write=lines.csv_rows,
)
