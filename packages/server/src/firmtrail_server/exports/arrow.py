"""Arrow's stream format: the schema, record batches, and records as metadata of batches without rows.

Needs the extra `arrow`.

https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from firmtrail_contract import ARROW_KEY, ARROW_TYPE, ExportRecord
from firmtrail_server.db import Drain
from firmtrail_server.exports.formats import record_text
from firmtrail_server.queries import exports
from firmtrail_server.queries.exports import Selection, Stretch

pa: Any = import_module("pyarrow")  # it has no types
ipc: Any = import_module("pyarrow.ipc")

_MOMENT: Any = pa.timestamp("us", tz="UTC")
SCHEMA: Any = pa.schema(
    [
        pa.field("device_id", pa.string()),
        pa.field("device_name", pa.string()),
        pa.field("component", pa.string()),
        pa.field("period_id", pa.string()),
        pa.field("version", pa.string()),
        pa.field("first_reported_at", _MOMENT),
        pa.field("last_reported_at", _MOMENT),
        pa.field("superseded_at", _MOMENT),
        pa.field("report_count", pa.int64()),
        pa.field("recorded_at", _MOMENT),
    ]
)
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ArrowFormat:
    """Batches as they come from the database: no value of theirs is ever one of Python's."""

    media_type = ARROW_TYPE

    def begin(self, record: ExportRecord) -> bytes:
        return SCHEMA.with_metadata({ARROW_KEY: record_text(record)}).serialize().to_pybytes()

    def rows(
        self, conn: Drain, project_id: uuid.UUID, selection: Selection, stretch: Stretch | None
    ) -> Iterator[tuple[int, bytes]]:
        if stretch is None:
            batches = exports.read_all(conn, project_id, selection)
        else:
            batches = exports.read_stretch(conn, project_id, selection, stretch)
        for batch in batches:
            bare = pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)
            yield batch.num_rows, bare.serialize().to_pybytes()

    def record(self, record: ExportRecord) -> bytes:
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, SCHEMA) as writer:
            writer.write_batch(_EMPTY, custom_metadata={ARROW_KEY: record_text(record)})
        return sink.getvalue().to_pybytes()[SCHEMA.serialize().size : -len(_END_OF_STREAM)]

    def end(self) -> bytes:
        return _END_OF_STREAM


_EMPTY: Any = pa.RecordBatch.from_arrays([pa.array([], field.type) for field in SCHEMA], schema=SCHEMA)
