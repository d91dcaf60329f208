"""Arrow's stream format: the schema, record batches, and markers as metadata of batches without rows.

Needs the extra `arrow`, of which nanoarrow writes it: pyarrow would take 45 MB more of memory.

https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from firmtrail_contract import ARROW_KEY, ARROW_TYPE, ExportMarker
from firmtrail_server.db import Drain
from firmtrail_server.exports.arrow_metadata import metadata_message
from firmtrail_server.exports.formats import marker_text
from firmtrail_server.queries import exports
from firmtrail_server.queries.exports import Selection, Stretch

na: Any = import_module("nanoarrow")  # it has no types
ipc: Any = import_module("nanoarrow.ipc")
c_array_stream: Any = import_module("nanoarrow.c_array_stream")

_TEXT, _COUNT, _MOMENT = na.string(), na.int64(), na.timestamp("us", timezone="UTC")
_FIELDS = {
    "device_id": _TEXT,
    "device_name": _TEXT,
    "component": _TEXT,
    "period_id": _TEXT,
    "version": _TEXT,
    "first_reported_at": _MOMENT,
    "last_reported_at": _MOMENT,
    "superseded_at": _MOMENT,
    "report_count": _COUNT,
    "recorded_at": _MOMENT,
}
#: validity and values; of a text its ends as well
_BUFFERS = sum(3 if kind is _TEXT else 2 for kind in _FIELDS.values())
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ArrowFormat:
    """Batches as they come from the database: no value of theirs is ever one of Python's. For one export."""

    media_type = ARROW_TYPE

    def __init__(self) -> None:
        self._written = io.BytesIO()
        self._writer = ipc.StreamWriter.from_writable(self._written)

    def begin(self, marker: ExportMarker) -> bytes:
        schema = na.c_schema(na.struct(_FIELDS)).modify(metadata={ARROW_KEY: marker_text(marker)})
        self._writer.write_stream(c_array_stream.CArrayStream.from_c_arrays([], schema))
        return self._taken()

    def rows(
        self, conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch | None
    ) -> Iterator[tuple[int, bytes]]:
        if stretch is None:
            batches = exports.read_batches(conn, project_id, selection)
        else:
            batches = exports.read_batches_of(conn, project_id, selection, stretch)
        for batch in batches:
            self._writer.write_array(batch)
            yield batch.length, self._taken()

    def marker(self, marker: ExportMarker) -> bytes:
        return metadata_message(ARROW_KEY, marker_text(marker), columns=len(_FIELDS), buffers=_BUFFERS)

    def end(self) -> bytes:
        return _END_OF_STREAM

    def _taken(self) -> bytes:
        content = self._written.getvalue()
        self._written.seek(0)
        self._written.truncate()
        return content
