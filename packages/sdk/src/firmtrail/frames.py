"""Rows of models as Arrow tables, and those as frames of polars or pandas.

A column is a field of the model and has the field's type, also in a frame without rows: see `schema`. Moments are
aware, in UTC, to the microsecond. Ids and enums are text, labels a map, lists lists. A model within a model becomes
columns: `rule_component`. The libraries are extras, imported when they are first needed.
"""

# The types of pyarrow and polars leave parameters open:
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import attrs

from firmtrail.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

#: what an extra of this package installs
_EXTRAS = {"arrow": ["pyarrow"], "polars": ["polars", "pyarrow"], "pandas": ["pandas", "pyarrow"]} | {
    "plots": ["matplotlib"]
}


def check_installed(extra: Literal["arrow", "polars", "pandas", "plots"]) -> None:
    """Find out before anything is fetched.

    Raises:
        MissingExtraError: a library of the extra is not installed.
    """
    for name in _EXTRAS[extra]:
        try:
            import_module(name)
        except ModuleNotFoundError as missing:
            raise MissingExtraError(extra, missing.name or name) from None


@attrs.frozen
class Column:
    """A column, and where its values are: attributes from a row on."""

    name: str
    path: tuple[str, ...]
    kind: Any

    def value(self, row: Any) -> Any:
        for name in self.path:
            row = getattr(row, name)
        return row


@lru_cache(256)
def columns(model: type) -> tuple[Column, ...]:
    """List the columns of a model, in the order of its fields."""
    attrs.resolve_types(model)
    return tuple(column for field in attrs.fields(model) for column in _columns(field.name, field.type))


def _columns(name: str, kind: Any) -> Iterator[Column]:
    if not attrs.has(kind):
        yield Column(name, (name,), kind)
        return
    for column in columns(kind):
        yield Column(f"{name}_{column.name}", (name, *column.path), column.kind)


def schema(model: type, *, labels: Sequence[str] = ()) -> pa.Schema:
    """Give the columns of a model and their Arrow types; each of `labels` adds one as text, `labels.site`."""
    import pyarrow as pa  # noqa: PLC0415  an extra

    fields = [pa.field(column.name, _arrow(column.kind)) for column in columns(model)]
    return pa.schema([*fields, *(pa.field(f"labels.{key}", pa.string()) for key in labels)])


def _arrow(kind: Any) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415  an extra

    plain, arguments = _present(kind), get_args(_present(kind))
    if get_origin(plain) is list:
        return pa.list_(_arrow(arguments[0]))
    if get_origin(plain) is dict:
        return pa.map_(_arrow(arguments[0]), _arrow(arguments[1]))
    if attrs.has(plain):
        return pa.struct([pa.field(column.name, _arrow(column.kind)) for column in columns(plain)])
    if issubclass(plain, str | uuid.UUID):
        return pa.string()
    return {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), dt.datetime: pa.timestamp("us", "UTC")}[plain]


def _present(kind: Any) -> Any:
    """Drop the None of an optional type: every column of a frame may be null."""
    if type(None) not in get_args(kind):
        return kind
    return next(one for one in get_args(kind) if one is not NoneType)


def to_arrow(rows: Sequence[Any], model: type, *, labels: Sequence[str] = ()) -> pa.Table:
    """Make an Arrow table of models, a row each.

    Args:
        rows: instances of `model`.
        model: what says which columns there are.
        labels: keys of labels that get a column each (`labels.site`), null where a row has no such label.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    check_installed("arrow")
    import pyarrow as pa  # noqa: PLC0415  an extra

    wanted = schema(model, labels=labels)
    values = [_values(rows, column) for column in columns(model)]
    values += [[row.labels.get(key) for row in rows] for key in labels]
    arrays = [pa.array(column, field.type) for column, field in zip(values, wanted, strict=True)]
    return pa.Table.from_arrays(arrays, schema=wanted)


def _values(rows: Sequence[Any], column: Column) -> list[Any]:
    values = [getattr(row, column.name) for row in rows] if len(column.path) == 1 else [*map(column.value, rows)]
    if (convert := _conversion(column.kind)) is None:
        return values
    return [None if value is None else convert(value) for value in values]


@lru_cache(256)
def _conversion(kind: Any) -> Callable[[Any], Any] | None:
    """Choose what makes a value one that Arrow takes; None: it is one."""
    plain = _present(kind)
    if get_origin(plain) is list:
        within = _conversion(get_args(plain)[0])
        return None if within is None else lambda values: [within(value) for value in values]
    if get_origin(plain) is dict:
        return lambda mapping: list(mapping.items())
    if attrs.has(plain):
        return lambda row: {column.name: _values([row], column)[0] for column in columns(plain)}
    return str if issubclass(plain, uuid.UUID | StrEnum) else None


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Make a polars frame of an Arrow table, also of one that came over the wire.

    Raises:
        MissingExtraError: polars or pyarrow is not installed.
    """
    check_installed("polars")
    import polars as pl  # noqa: PLC0415  an extra

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Make a pandas frame of an Arrow table, also of one that came over the wire.

    Text, whole numbers and booleans have pandas' nullable types (`string`, `Int64`, `boolean`), so that a column keeps
    its type when a value is missing. Labels are dictionaries.

    Raises:
        MissingExtraError: pandas or pyarrow is not installed.
    """
    check_installed("pandas")
    import pandas as pd  # noqa: PLC0415  an extra
    import pyarrow as pa  # noqa: PLC0415  an extra

    nullable: dict[Any, Any] = {
        pa.string(): pd.StringDtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    return table.to_pandas(
        types_mapper=lambda kind: nullable.get(kind),  # noqa: PLW0108  its type says more
        maps_as_pydicts="strict",
    )
