"""Tables of devices to register, CSV or NDJSON, read row by row: what is wrong with one row stops no other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import attrs
import orjson
from cattrs import BaseValidationError

from firmtrail_contract import FieldError, FieldLocation, NewDevice, Violation, ViolationCode, strict_converter
from firmtrail_contract import field_errors as errors_of
from firmtrail_server.errors import InvalidRequest, MalformedRequest

MAX_ROWS = 10_000
#: of a row: an answer must not become many times as large as what was sent
MAX_ROW_ERRORS = 8
_LABEL_COLUMN = "labels."
_COLUMNS = {"name", "hardware_fingerprint"}

_converter = strict_converter()


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
    lines = [line for line in text.split("\n") if line.strip()]
    _require_few(len(lines))
    for number, line in enumerate(lines, start=1):
        try:
            yield _row(number, orjson.loads(line))
        except orjson.JSONDecodeError as error:
            yield _refused(number, None, f"must be JSON: {error}")


def read_csv(text: str) -> Iterator[Row]:
    """Read rows below a header; an empty cell is left out of the device.

    Raises:
        MalformedRequest: the header names no `name`, a column twice, or one that is not known.
        InvalidRequest: there are more than `MAX_ROWS`.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    _require_few(len(lines) - 1)
    header = _header(lines[0] if lines else "")
    for number, line in enumerate(lines[1:], start=1):  # no value may hold a line break, so a line is a row
        try:
            cells = _cells(line)
        except (csv.Error, ValueError):
            yield _refused(number, None, "must be one line of CSV")
            continue
        if len(cells) > len(header):
            yield _refused(number, None, f"must have at most {len(header)} cells")
        else:
            yield _row(number, _device(dict(zip(header, cells, strict=False))))


def _header(line: str) -> list[str]:
    try:
        header = [name.strip() for name in _cells(line)]
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


def _refused(number: int, name: str | None, detail: str) -> Row:
    error = FieldError(location=FieldLocation.BODY, pointer="", code=ViolationCode.MALFORMED, detail=detail)
    return Row(number=number, name=name, errors=[error])


def _require_few(count: int) -> None:
    if count > MAX_ROWS:
        detail = f"must have at most {MAX_ROWS} rows; send several tables"
        raise InvalidRequest(
            [FieldError(location=FieldLocation.BODY, pointer="", code=ViolationCode.TOO_LONG, detail=detail)]
        )
