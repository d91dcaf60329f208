"""How results are shown: a table, the lines of a single thing, JSON, or the one word that the next command needs."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, cast

import attrs

from firmtrail.errors import FirmtrailError
from firmtrail.stored import to_json
from firmtrail_contract import (
    FieldError,
    ImportedRow,
    IssuedInvitation,
    JoinedProject,
    Member,
    SilentDevice,
    VersionPeriod,
)

#: rows of a table whose widths are worked out together, so that a long list is shown while it is read
_ROWS_AT_ONCE = 100


def show(result: Any, options: Any, columns: Sequence[str]) -> None:
    """Write what a verb gave to standard output."""
    if result is None:
        return
    kind = cast("type[Any]", type(result))
    is_one = attrs.has(kind)
    items: Iterable[Any] = [result] if is_one else result
    if options.json or options.quiet:
        for item in items:
            sys.stdout.write(f"{to_json(item) if options.json else visible(essence(item))}\n")
    elif is_one:
        _show_one(result)
    else:
        _show_table(items, columns)


def essence(item: Any) -> str:
    """Choose what the next command takes: the secret of an invitation, a whole API key, or an id."""
    if isinstance(item, IssuedInvitation):
        return item.secret
    if isinstance(item, Member):
        return str(item.user_id)
    if isinstance(item, ImportedRow):
        return str(item.device_id or "")
    if isinstance(item, SilentDevice):
        return str(item.device_id)
    return f"{item.id}:{item.secret}" if hasattr(item, "secret") else str(getattr(item, "id", ""))


def _show_one(item: Any) -> None:
    facts = [(name, getattr(item, name)) for name in attrs.fields_dict(cast("type[Any]", type(item)))]
    if hasattr(item, "secret") and not isinstance(item, IssuedInvitation):
        facts.append(("api_key", essence(item)))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        sys.stdout.write(f"{_heading(name).ljust(width)}  {_text(value)}".rstrip() + "\n")


def _show_table(items: Iterable[Any], columns: Sequence[str]) -> None:
    head = [[_heading(name) for name in columns]]
    for some in _batches(items):
        rows = head + [[_text(attrgetter(name)(item)) for name in columns] for item in some]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            sys.stdout.write(f"{line.rstrip()}\n")
        head = []


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    """Gather items; those before a failure are shown before it is."""
    some: list[Any] = []
    try:
        for item in items:
            some.append(item)
            if len(some) == _ROWS_AT_ONCE:
                yield some
                some = []
    except FirmtrailError:
        if some:
            yield some
        raise
    if some:
        yield some


def _heading(name: str) -> str:
    return name.rpartition(".")[2].replace("_", " ")


def _text(value: Any) -> str:
    match value:
        case list():
            return "; ".join(_text(one) for one in cast("list[Any]", value))
        case dict():
            return ",".join(f"{key}={_text(one)}" for key, one in cast("dict[str, Any]", value).items())
        case FieldError():
            return visible(f"{value.pointer} {value.detail}")
        case VersionPeriod():
            return visible(f"{value.component} {value.version}")
        case JoinedProject():
            return visible(f"{value.name} ({value.role}, {value.id})")
        case _:
            return visible(_word(value))


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%SZ}" if isinstance(value, dt.datetime) else str(value)


def visible(text: str) -> str:
    """Keep what a server sent from moving the cursor or worse."""
    return text if text.isprintable() else repr(text)[1:-1]
