"""NDJSON and CSV from the database's own text, many rows at a time: nothing is done in Python for each row, pure.

A moment is `2026-05-03 08:00:00+00` there, and its blank the only one in a row: those of names and versions are hidden.
Single bytes are replaced, which takes a fraction of the time that a search for two takes. What few rows hold, and needs
more than that, is done row by row before.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Final

import attrs
import orjson

from firmtrail_contract import ExportedPeriod
from firmtrail_server.db.draining import NULL, SEPARATOR
from firmtrail_server.queries.exports import HIDDEN_BLANK

COLUMNS: Final = [field.name for field in attrs.fields(ExportedPeriod)]
#: of what people and devices choose, and so has to be looked at
_FREE: Final = (COLUMNS.index("device_name"), COLUMNS.index("version"))
_HIDDEN_PLUS: Final = b"\x06"

_ENDED: Final = COLUMNS.index("superseded_at")
#: in a row; where a period is open, one less
_MOMENTS: Final = sum(name.endswith("_at") for name in COLUMNS)

#: what an object has before each of its values; the first also ends the object before, and `:00` a moment
_KEYS: Final = [
    b':00"}\n{"device_id":"',
    b'","device_name":"',
    b'","component":"',
    b'","period_id":"',
    b'","version":"',
    b'","first_reported_at":"',
    b':00","last_reported_at":"',
    b':00","superseded_at":"',
    b':00","report_count":',
    b',"recorded_at":"',
]
#: keys, and room for values
_OBJECT: Final = [part for key in _KEYS for part in (key, b"")]
_BEGIN: Final = b'{"device_id":"'
_END: Final = b':00"}\n'
#: in the place of `superseded_at` and of the keys around it, while a period is open
_OPEN: Final = (b':00","superseded_at":null', b"", b',"report_count":')
_TO_JSON: Final = bytes.maketrans(b" \n" + HIDDEN_BLANK + _HIDDEN_PLUS, b"T" + SEPARATOR + b" +")

#: as the SDK's command has it; "\t" and "\r" are written with a backslash, and looked at anyway
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BEGINS_A_FORMULA: Final = re.compile(SEPARATOR + b"[-=+@]")
#: that a text cannot have as it is
_NOT_CSV: Final = (b'"', b"\\", b",")
#: unless it ends its text as one does a moment
_PLUS_OF_A_TEXT: Final = re.compile(rb"\+(?!00[\n\x01])")
_TO_CSV: Final = bytes.maketrans(SEPARATOR + b" " + HIDDEN_BLANK + _HIDDEN_PLUS, b",T +")


def ndjson(rows: int, text: bytes) -> bytes:
    """Make an object a line of so many rows: their values are put between the keys."""
    _check_moments(text)
    if b"\\" in text or b'"' in text:
        text = _rewritten(text, _json_text)
    values = text.translate(_TO_JSON).split(SEPARATOR)  # an empty one follows the last line break
    parts = [*_OBJECT * rows, _END, b""]
    parts[0] = _BEGIN
    parts[1::2] = values
    if NULL in text:
        for row in [row for row, ended in enumerate(values[_ENDED :: len(COLUMNS)]) if ended == NULL]:
            place = 2 * (row * len(COLUMNS) + _ENDED)
            parts[place : place + len(_OPEN)] = _OPEN
    return b"".join(parts)


def csv_rows(rows: int, text: bytes) -> bytes:
    """Make a line of CSV of each of so many rows: what is null is empty, and nothing is a formula."""
    _check_moments(text)
    moments = _MOMENTS * rows - text.count(NULL)
    if any(mark in text for mark in _NOT_CSV) or _BEGINS_A_FORMULA.search(text):
        text = _rewritten(text, _csv_cell)
    written = _with_minutes(text)
    if len(written) - len(text) != len(":00") * moments:  # there are other pluses
        text = _PLUS_OF_A_TEXT.sub(_HIDDEN_PLUS, text)
        if text.count(b"+") != moments:
            text = _rewritten(text, _csv_cell)
        written = _with_minutes(text)
    return written.translate(_TO_CSV, NULL)


def csv_header() -> bytes:
    return ",".join(COLUMNS).encode() + b"\n"


def _check_moments(text: bytes) -> None:
    """Look at the moment that ends the last row."""
    if not text.endswith(b"+00\n"):
        raise ValueError("the database writes moments in another way")


def _with_minutes(text: bytes) -> bytes:
    """Complete the offset of each moment, `+00`, from its beginning: its end has no byte of its own."""
    return text.replace(b"+", b"+00:")


def _rewritten(text: bytes, write: Callable[[str], bytes]) -> bytes:
    """Write names and versions anew, so that what follows finds in them only what it should."""
    rows = [row.split(SEPARATOR) for row in text.split(b"\n")]
    for row in rows[:-1]:
        for column in _FREE:
            plain = row[column].replace(b"\\\\", b"\\").replace(HIDDEN_BLANK, b" ").decode()
            row[column] = write(plain).replace(b" ", HIDDEN_BLANK).replace(b"+", _HIDDEN_PLUS)
    return b"\n".join(SEPARATOR.join(row) for row in rows)


def _json_text(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _csv_cell(text: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([f"'{text}" if text.startswith(_FORMULA) else text])
    return written.getvalue().encode()
