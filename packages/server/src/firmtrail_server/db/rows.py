"""Rows that become models."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import cattrs
from psycopg import AsyncCursor

T = TypeVar("T")


def rows(model: type[T]) -> Callable[[AsyncCursor[Any]], Callable[[Sequence[Any]], T]]:
    """Make a row factory that builds `model` from the columns of its fields' names, its enums included."""
    structure = _converter.get_structure_hook(model)

    def factory(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], T]:
        names = [column.name for column in cursor.description or ()]
        return lambda values: structure(dict(zip(names, values, strict=True)), model)

    return factory


async def one(cursor: AsyncCursor[T]) -> T:
    """Fetch the row of a statement that always gives one."""
    row = await cursor.fetchone()
    assert row is not None
    return row


def _as_it_is(value: Any, _: Any) -> Any:
    return value


_converter = cattrs.Converter()
for _kind in (uuid.UUID, dt.datetime, bytes):  # the driver has built these already
    _converter.register_structure_hook(_kind, _as_it_is)
