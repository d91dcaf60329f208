"""NDJSON and CSV from the database's own text, many rows at a time: nothing is done for each row, or each value, pure.

A moment is `2026-05-03 08:00:00+00` there, and its blank the only one in a row: those of names and versions are hidden.
Single bytes are replaced, which takes a fraction of the time that a search for two takes. What few rows hold, and needs
more than that, is done row by row before.
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
from firmtrail_server.db.draining import NULL, SEPARATOR
from firmtrail_server.queries.exports import HIDDEN_BLANK, HIDDEN_QUOTE

COLUMNS: Final = [field.name for field in attrs.fields(ExportedPeriod)]
#: of what people and devices choose, and so has to be looked at
_FREE: Final = (COLUMNS.index("device_name"), COLUMNS.index("version"))
_HIDDEN_PLUS: Final = b"\x06"

_BEGIN: Final = b'{"device_id":"'
_END: Final = b':00"}\n'
_TO_JSON: Final = bytes.maketrans(b" " + HIDDEN_BLANK + HIDDEN_QUOTE + _HIDDEN_PLUS, b'T "+')

#: as the SDK's command has it; "\t" and "\r" are written with a backslash, and looked at anyway
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BEGINS_A_FORMULA: Final = re.compile(SEPARATOR + b"[-=+@]")
#: that a text cannot have as it is
_NOT_CSV: Final = (b'"', b"\\", b",")
#: unless it ends its text as one does a moment
_PLUS_OF_A_TEXT: Final = re.compile(rb"\+(?!00[\n\x01])")
_TO_CSV: Final = bytes.maketrans(SEPARATOR + b" " + HIDDEN_BLANK + _HIDDEN_PLUS, b",T +")


def ndjson(text: bytes) -> bytes:
    """Make an object a line of rows that have keys between their values."""
    _check_moments(text)
    if b"\\" in text or b'"' in text:
        text = _rewritten(text, [2 * column for column in _FREE], _json_text)  # a key before each of them
    objects = _BEGIN + text[:-1].replace(b"\n", _END + _BEGIN) + _END
    return objects.translate(_TO_JSON, SEPARATOR + NULL)


def csv_rows(text: bytes) -> bytes:
    """Make a line of CSV of each row: what is null is empty, and nothing is a formula."""
    _check_moments(text)
    is_plain = not any(mark in text for mark in _NOT_CSV) and not _BEGINS_A_FORMULA.search(text)
    if is_plain and _has_other_pluses(text):
        text = _PLUS_OF_A_TEXT.sub(_HIDDEN_PLUS, text)
        is_plain = not _has_other_pluses(text)
    if not is_plain:
        text = _rewritten(text, _FREE, _csv_cell)
    return text.replace(b"+", b"+00:").translate(_TO_CSV, NULL)


def csv_header() -> bytes:
    return ",".join(COLUMNS).encode() + b"\n"


def _check_moments(text: bytes) -> None:
    """Look at the moment that ends the last row."""
    if not text.endswith(b"+00\n"):
        raise ValueError("the database writes moments in another way")


def _has_other_pluses(text: bytes) -> bool:
    """Whether there are more than those of moments, which have a blank each as well."""
    return text.count(b"+") != text.count(b" ")


def _rewritten(text: bytes, columns: Sequence[int], write: Callable[[str], bytes]) -> bytes:
    """Write some columns anew, so that what follows finds in them only what it should."""
    rows = [row.split(SEPARATOR) for row in text.split(b"\n")]
    for row in rows[:-1]:
        for column in columns:
            plain = row[column].replace(b"\\\\", b"\\").replace(HIDDEN_BLANK, b" ").decode()
            row[column] = write(plain).replace(b" ", HIDDEN_BLANK).replace(b"+", _HIDDEN_PLUS)
    return b"\n".join(SEPARATOR.join(row) for row in rows)


def _json_text(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _csv_cell(text: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([f"'{text}" if text.startswith(_FORMULA) else text])
    return written.getvalue().encode()
