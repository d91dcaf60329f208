"""Rows that become models."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args

import attrs
import cattrs
from psycopg import AsyncCursor
from psycopg.rows import AsyncRowFactory, args_row, class_row, kwargs_row

T = TypeVar("T")

#: the driver builds values of these types; that a statement's columns have its model's types, a test says for all
_BUILT = {uuid.UUID, dt.datetime, bytes, str, int, float, bool, NoneType, Any}
_converter = cattrs.Converter()


def rows(model: type[T]) -> AsyncRowFactory[T]:
    """Give the row factory that builds `model` from the columns of its fields' names, its enums included.

    A named tuple has the columns in their order, as the driver has built them: it costs a third of a model.
    """
    return _made(model)


async def one(cursor: AsyncCursor[T]) -> T:
    """Fetch the row of a statement that always gives one."""
    row = await cursor.fetchone()
    assert row is not None
    return row


@cache
def _made(model: type[Any]) -> AsyncRowFactory[Any]:
    if issubclass(model, tuple):
        return args_row(cast("Callable[..., Any]", model))
    fields: list[attrs.Attribute[Any]] = [*attrs.fields(attrs.resolve_types(model))]
    left = [(one.name, one.type, _converter.get_structure_hook(one.type)) for one in fields if not _is_built(one.type)]
    if not left:
        return class_row(model)

    def build(**values: Any) -> Any:
        for name, kind, structure in left:
            if name in values:
                values[name] = structure(values[name], kind)
        return model(**values)

    return kwargs_row(build)


def _is_built(kind: Any) -> bool:
    """Say whether a value comes from the driver as it is; of `str | None` and `dict[str, str]` by the parts."""
    parts = get_args(kind)
    return all(map(_is_built, parts)) if parts else kind in _BUILT
