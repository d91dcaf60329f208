"""What a notebook shows of models: tables that fetch nothing, escape everything, and take the notebook's colours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args

import attrs

_MOST_ROWS = 20
_CELL = "padding: .2em .8em .2em 0; text-align: left; vertical-align: top"
_LINE = "border-bottom: 1px solid rgba(128, 128, 128, .4)"  # visible on white and on black


@lru_cache(256)
def show_in_notebooks(model: Any) -> None:
    """Give a model, and those within it, the method that notebooks look for. The contract itself knows no notebook."""
    for within in get_args(model):
        show_in_notebooks(within)
    if not attrs.has(kind := getattr(model, "__origin__", model)):
        return
    attrs.resolve_types(kind)
    setattr(kind, "_repr_html_", html_of)  # noqa: B010  types know no such method
    for field in attrs.fields(kind):
        show_in_notebooks(field.type)


def html_of(model: Any) -> str:
    """Show a model as a table of its fields."""
    rows = ((field.name, getattr(model, field.name)) for field in _fields(model))
    body = "".join(f"<tr><th style='{_CELL}'>{_text(name)}</th>{_cell(value)}</tr>" for name, value in rows)
    return f"<div><b>{_text(type(model).__name__)}</b><table style='border-collapse: collapse'>{body}</table></div>"


def code(text: str) -> str:
    """Show a text as a program would write it."""
    return f"<code>{_text(text)}</code>"


def _fields(model: Any) -> list[attrs.Attribute[Any]]:
    """List what a repr shows: all but secrets."""
    return [field for field in attrs.fields(model.__class__) if field.repr]


def _cell(value: Any) -> str:
    return f"<td style='{_CELL}'>{_shown(value)}</td>"


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case dt.datetime():
            return _text(value.isoformat(" ", "seconds"))
        case dict():
            return _labels(value)  # pyright: ignore[reportUnknownArgumentType]  of a model
        case list():
            return _list(value)  # pyright: ignore[reportUnknownArgumentType]  of a model
        case _:
            return html_of(value) if attrs.has(value.__class__) else _text(value)


def _labels(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{_text(key)}={_shown(one)}" for key, one in values.items())


def _list(values: Sequence[Any]) -> str:
    shown, left = values[:_MOST_ROWS], len(values) - _MOST_ROWS
    more = f"<div>and {left:,} more</div>" if left > 0 else ""
    if shown and attrs.has(shown[0].__class__):
        return _table(shown) + more
    return ", ".join(map(_shown, shown)) + more


def _table(models: Sequence[Any]) -> str:
    names = [field.name for field in _fields(models[0])]
    head = "".join(f"<th style='{_CELL}; {_LINE}'>{_text(name)}</th>" for name in names)
    body = "".join(f"<tr>{_cells(getattr(model, name, None) for name in names)}</tr>" for model in models)
    return f"<table style='border-collapse: collapse'><tr>{head}</tr>{body}</table>"


def _cells(values: Iterable[Any]) -> str:
    return "".join(map(_cell, values))


def _text(value: Any) -> str:
    import html  # noqa: PLC0415  only a notebook needs it, and a small device has no memory to give away

    return html.escape(str(value))
