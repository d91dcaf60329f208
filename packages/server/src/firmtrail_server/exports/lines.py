"""NDJSON and CSV from the database's own text, many rows at a time: nothing is done for each row, or each value, pure.

A moment is `2026-05-03 08:00:00+00` there, and its blank the only one in a row: those of names and versions are hidden.
What few rows hold, and takes more than to replace bytes, is done row by row before.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import orjson

from firmtrail_contract import ExportedPeriod
from firmtrail_server.queries.exports import QUOTES_OF_NDJSON

SEPARATOR: Final = b"\x01"
COLUMNS: Final = [field.name for field in attrs.fields(ExportedPeriod)]
#: of what people and devices choose, and so has to be looked at
_FREE: Final = (COLUMNS.index("device_name"), COLUMNS.index("version"))
_HIDDEN_BLANK: Final = b"\x03"
_NULL: Final = b"\x04"
#: after a text that was rewritten, which may end as a moment does
_STOP: Final = b"\x02"
_MOMENT_ENDS: Final = b"+00"
_OFFSET: Final = b"+00:00"
_OFFSET_GROWS: Final = len(_OFFSET) - len(_MOMENT_ENDS)

#: as the SDK's command has it; "\t" and "\r" are written with a backslash, and looked at anyway
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BEGINS_A_FORMULA: Final = re.compile(SEPARATOR + b"[-=+@]")
#: that a text cannot have as it is
_NOT_CSV: Final = (b'"', b"\\", b",")
_TO_CSV: Final = bytes.maketrans(SEPARATOR + b" " + _HIDDEN_BLANK, b",T ")

_FIRST_KEY: Final = b'{"device_id":"'


def ndjson(text: bytes) -> bytes:
    """Make an object a line of rows that have keys between their values."""
    if b"\\" in text or text.count(b'"') != QUOTES_OF_NDJSON * _rows(text) - 2 * text.count(_NULL):
        text = _rewritten(text, [2 * column for column in _FREE], _json_text)  # a key before each of them
    text = text.replace(SEPARATOR, b"").replace(b"\n", b':00"}\n' + _FIRST_KEY)
    text = text.replace(b" ", b"T").replace(_HIDDEN_BLANK, b" ").replace(_NULL, b"").replace(_STOP, b"")
    return (_FIRST_KEY + text).removesuffix(_FIRST_KEY)


def csv_rows(text: bytes) -> bytes:
    """Make a line of CSV of each row: what is null is empty, and nothing is a formula."""
    moments = 3 * _rows(text) - text.count(_NULL)
    written = _with_offsets(text)
    if (
        any(mark in text for mark in _NOT_CSV)
        or _BEGINS_A_FORMULA.search(text)
        or len(written) - len(text) != moments * _OFFSET_GROWS  # a text ends as a moment does
    ):
        written = _with_offsets(_rewritten(text, _FREE, _csv_cell))
    return written.replace(b"\n", b":00\n").translate(_TO_CSV).replace(_NULL, b"").replace(_STOP, b"")


def _with_offsets(text: bytes) -> bytes:
    """Complete the moments that a column follows."""
    return text.replace(_MOMENT_ENDS + SEPARATOR, _OFFSET + b",")


def csv_header() -> bytes:
    return ",".join(COLUMNS).encode() + b"\n"


def _rows(text: bytes) -> int:
    """Count the rows. A moment ends each of them, by which one sees how the database writes moments."""
    if text and not text.endswith(_MOMENT_ENDS + b"\n"):
        raise ValueError("the database writes moments in another way")
    return text.count(b"\n")


def _rewritten(text: bytes, columns: Sequence[int], write: Callable[[str], bytes]) -> bytes:
    """Write some columns anew, so that what follows finds in them only what it should."""
    rows = [row.split(SEPARATOR) for row in text.split(b"\n")]
    for row in rows[:-1]:
        for column in columns:
            plain = row[column].replace(b"\\\\", b"\\").replace(_HIDDEN_BLANK, b" ").decode()
            row[column] = write(plain).replace(b" ", _HIDDEN_BLANK) + _STOP
    return b"\n".join(SEPARATOR.join(row) for row in rows)


def _json_text(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _csv_cell(text: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([f"'{text}" if text.startswith(_FORMULA) else text])
    return written.getvalue().encode()
