"""Tables of devices to register, CSV or NDJSON, read row by row: what is wrong with one row stops no other."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import attrs
import orjson
from cattrs import BaseValidationError

from firmtrail_contract import FieldError, FieldLocation, NewDevice, Violation, ViolationCode, strict_converter
from firmtrail_contract import field_errors as errors_of
from firmtrail_server.errors import InvalidRequest, MalformedRequest

MAX_ROWS = 10_000
#: empty ones included, which count for nothing
_MAX_LINES = 10 * MAX_ROWS
#: as much as one device may take when it is registered alone
MAX_ROW_LENGTH = 64 * 1024
#: of a row: an answer must not become many times as large as what was sent
MAX_ROW_ERRORS = 8
#: of all rows; each row after that names its first error alone
MAX_TABLE_ERRORS = 1_000
#: neither makes a list of all lines of a table, which may be millions of empty ones
_NDJSON_LINE = re.compile(r"[^\n]+")
_CSV_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_LABEL_COLUMN = "labels."
_COLUMNS = {"name", "hardware_fingerprint"}

_converter = strict_converter(max_errors=MAX_ROW_ERRORS)


@attrs.frozen(kw_only=True)
class Row:
    """One row: a device, or what is wrong with it."""

    number: int
    device: NewDevice | None = None
    #: as far as it can be told
    name: str | None = None
    errors: list[FieldError] = attrs.field(factory=list[FieldError])


def read_ndjson(text: str) -> Iterator[Row]:
    """Read one JSON object a line; empty lines count for nothing.

    Raises:
        InvalidRequest: there are more than `MAX_ROWS`.
    """
    lines = _lines(_NDJSON_LINE, text, MAX_ROWS)
    return _shortened(_ndjson_row(number, line) for number, line in enumerate(lines, start=1))


def read_csv(text: str) -> Iterator[Row]:
    """Read rows below a header; an empty cell is left out of the device.

    Raises:
        MalformedRequest: the header names no `name`, a column twice, or one that is not known.
        InvalidRequest: there are more than `MAX_ROWS`.
    """
    lines = _lines(_CSV_LINE, text, MAX_ROWS + 1)
    header = _header(lines[0] if lines else "")
    return _shortened(_csv_row(number, line, header) for number, line in enumerate(lines[1:], start=1))


def _lines(line: re.Pattern[str], text: str, most: int) -> list[str]:
    """List the lines that hold anything."""
    found = [one[0] for one in islice(line.finditer(text), _MAX_LINES + 1)]
    lines = [one for one in found if not one.isspace()]
    if len(lines) > most or len(found) > _MAX_LINES:
        detail = f"must have at most {MAX_ROWS} rows; send several tables"
        raise InvalidRequest([_error(detail, ViolationCode.TOO_LONG)])
    return lines


def _shortened(rows: Iterator[Row]) -> Iterator[Row]:
    """Leave out errors when there are too many in all."""
    count = 0
    for row in rows:
        count += len(row.errors)
        yield row if count <= MAX_TABLE_ERRORS else attrs.evolve(row, errors=row.errors[:1])


def _ndjson_row(number: int, line: str) -> Row:
    if len(line) > MAX_ROW_LENGTH:
        return _too_long(number)
    try:
        return _row(number, orjson.loads(line))
    except orjson.JSONDecodeError as error:
        return _refused(number, f"must be JSON: {error}")


def _csv_row(number: int, line: str, header: list[str]) -> Row:
    if len(line) > MAX_ROW_LENGTH:
        return _too_long(number)
    try:
        cells = _cells(line)  # no value may hold a line break, so a line is a row
    except (csv.Error, ValueError):
        return _refused(number, "must be one line of CSV")
    if len(cells) > len(header):
        return _refused(number, f"must have at most {len(header)} cells")
    return _row(number, _device(dict(zip(header, cells, strict=False))))


def _header(line: str) -> list[str]:
    try:
        header = [name.strip() for name in _cells(line[:MAX_ROW_LENGTH])]
    except (csv.Error, ValueError):
        header = []
    unknown = [name for name in header if name not in _COLUMNS and not name.startswith(_LABEL_COLUMN)]
    if "name" not in header or unknown or len(set(header)) < len(header):
        raise MalformedRequest(
            "The first line must name each column once: name, and as you like hardware_fingerprint and labels.<key>."
        )
    return header


def _cells(line: str) -> list[str]:
    (cells,) = csv.reader([line], strict=True)
    return cells


def _device(cells: dict[str, str]) -> dict[str, Any]:
    labels = {
        column.removeprefix(_LABEL_COLUMN): text for column, text in cells.items() if text and column not in _COLUMNS
    }
    return {column: text for column, text in cells.items() if text and column in _COLUMNS} | {"labels": labels}


def _row(number: int, value: Any) -> Row:
    try:
        device = _converter.structure(value, NewDevice)
        return Row(number=number, device=device, name=device.name)
    except (BaseValidationError, Violation) as error:
        return Row(number=number, name=_name(value), errors=errors_of(error, most=MAX_ROW_ERRORS))


def _name(value: Any) -> str | None:
    name = value.get("name") if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  any JSON
    return name if isinstance(name, str) else None


def _too_long(number: int) -> Row:
    return _refused(number, f"must have at most {MAX_ROW_LENGTH} characters", ViolationCode.TOO_LONG)


def _refused(number: int, detail: str, code: ViolationCode = ViolationCode.MALFORMED) -> Row:
    return Row(number=number, errors=[_error(detail, code)])


def _error(detail: str, code: ViolationCode) -> FieldError:
    return FieldError(location=FieldLocation.BODY, pointer="", code=code, detail=detail)
