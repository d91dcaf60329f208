"""How results are shown: a table, the lines of one thing, JSON, CSV, or the word that the next command needs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, cast

import attrs

from firmtrail.cli.screen import Screen
from firmtrail.cli.texts import csv_cell, shown, visible
from firmtrail.cli.verbs import Column, Verb
from firmtrail.errors import FirmtrailError
from firmtrail.stored import to_json
from firmtrail_contract import IssuedInvitation, IssuedWebhook, Member

#: rows of a table whose widths are worked out together, so that a long list is shown while it is read
_ROWS_AT_ONCE = 100
_GAP = "  "
#: the moment that an answer is about
_AS_OF = "as_of"
#: attributes that name an item; the first that it has counts
_NAMING = ("id", "device_id", "version")


def show(result: Any, options: Any, verb: Verb) -> None:
    """Write what a verb gave to standard output, and its remark to standard error."""
    if result is None:
        return
    if chosen := getattr(options, "columns", None):
        verb = attrs.evolve(verb, columns=[_chosen(name, verb.columns) for name in chosen], view=None)
    is_one = attrs.has(cast("type[Any]", type(result)))
    if options.json:
        _write(to_json(item) for item in ([result] if is_one else result))
    elif verb.columns and options.csv:
        _show_csv(result, verb, with_moment=not chosen)
    elif options.quiet:
        words = map(essence, verb.rows(result) if verb.columns else [result])
        _write(visible(word) for word in words if word)
    elif verb.view:
        _write(verb.view(result, Screen.of(sys.stdout)))
    elif verb.columns:
        _show_table(result, options, verb)
    else:
        _show_one(result)
    if remark := verb.remark(result):
        sys.stderr.write(f"firmtrail: {visible(remark)}\n")


def _chosen(name: str, columns: Sequence[Column]) -> Column:
    """Find a column by its name in CSV, or by the words above it; else it is an attribute of each item."""
    named = (column for column in columns if name in {column.key, column.name, column.title})
    return next((attrs.evolve(column, is_optional=False) for column in named), Column(name))


def essence(item: Any) -> str:
    """Choose what the next command takes: a secret alone, a whole API key, a version, or an id."""
    match item:
        case IssuedInvitation() | IssuedWebhook():
            return item.secret
        case Member():
            return str(item.user_id)
        case _ if hasattr(item, "secret"):
            return f"{item.id}:{item.secret}"
        case _:
            return next((str(getattr(item, name)) for name in _NAMING if getattr(item, name, None)), "")


def table(
    items: Iterable[Any], columns: Sequence[Column], screen: Screen, rows_at_once: int = _ROWS_AT_ONCE
) -> Iterator[str]:
    """Lay items out in lines. Optional columns that a terminal has no room for are left out, the last ones first."""
    kept: Sequence[Column] = []
    for some in _batches(items, rows_at_once):
        head = not kept
        if head:
            kept = _that_fit(columns, some, screen)
        widths = [_width(column, some, screen) for column in kept]
        if head:
            yield screen.heading(_GAP.join(_aligned(one, one.title, w) for one, w in zip(kept, widths, strict=True)))
        for item in some:
            cells = [_aligned(one, _cell(one, item, screen), w) for one, w in zip(kept, widths, strict=True)]
            yield screen.line(_GAP.join(cells))


def as_of_line(answer: Any) -> str:
    """Say which moment an answer is about."""
    labels = "; labels are today's" if hasattr(answer, "labels_as_of") else ""
    return f"As of {shown(answer.as_of)}{labels}."


def _show_table(result: Any, options: Any, verb: Verb) -> None:
    """Put the moment above the table, where the question or the answer is about one."""
    rows_at_once = getattr(result, "rows_at_once", _ROWS_AT_ONCE)
    lines = table(verb.rows(result), verb.columns, Screen.of(sys.stdout), rows_at_once)
    first = [*islice(lines, 1)]  # the moment is known when the first page is
    is_about_one = getattr(options, "at", None) or attrs.has(cast("type[Any]", type(result)))
    if is_about_one and getattr(result, "as_of", None):
        _write([as_of_line(result)])
    _write(chain(first, lines))


def _show_csv(result: Any, verb: Verb, *, with_moment: bool) -> None:
    """Write a row an item, and the moment that all are about as the last column, or where it was chosen to be."""
    import csv  # noqa: PLC0415  most commands write none, and a command starts often

    writer = csv.writer(sys.stdout, lineterminator="\n")
    clean = visible if sys.stdout.isatty() else str
    rows = iter(verb.rows(result))
    first = [*islice(rows, 1)]  # the moment is known when the first page is
    moment = {_AS_OF: at} if (at := getattr(result, _AS_OF, None)) else {}
    columns = [*verb.columns, *(map(Column, moment) if with_moment else ())]
    lines = (
        [clean(csv_cell(moment[one.key] if one.key in moment else one.of(item))) for one in columns]
        for item in chain(first, rows)
    )
    begun = [*islice(lines, 1)]  # a column that there is not is refused before anything is written
    writer.writerow([column.key for column in columns])
    writer.writerows(chain(begun, lines))


def _show_one(item: Any) -> None:
    facts = [(name, getattr(item, name)) for name in attrs.fields_dict(cast("type[Any]", type(item)))]
    if hasattr(item, "secret") and not isinstance(item, IssuedInvitation | IssuedWebhook):
        facts.append(("api_key", essence(item)))
    width = max(len(name) for name, _ in facts)
    _write(f"{name.replace('_', ' ').ljust(width)}{_GAP}{shown(value)}" for name, value in facts)


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line.rstrip()}\n")


def _that_fit(columns: Sequence[Column], items: Sequence[Any], screen: Screen) -> Sequence[Column]:
    kept = list(columns)
    if screen.width is None:
        return kept
    for column in reversed(columns):
        if sum(_width(one, items, screen) + len(_GAP) for one in kept) - len(_GAP) <= screen.width:
            break
        if column.is_optional:
            kept.remove(column)
    return kept


def _width(column: Column, items: Sequence[Any], screen: Screen) -> int:
    return max(len(column.title), *(len(_cell(column, item, screen)) for item in items))


def _cell(column: Column, item: Any, screen: Screen) -> str:
    value = column.of(item)
    return column.draw(value, screen) if column.draw else screen.cut(shown(value))


def _aligned(column: Column, text: str, width: int) -> str:
    return text.rjust(width) if column.is_number else text.ljust(width)


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Gather items; those before a failure are shown before it is."""
    some: list[Any] = []
    try:
        for item in items:
            some.append(item)
            if len(some) == size:
                yield some
                some = []
    except FirmtrailError:
        if some:
            yield some
        raise
    if some:
        yield some
