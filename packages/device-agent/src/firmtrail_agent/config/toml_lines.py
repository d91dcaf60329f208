"""Which line of a TOML file a key stands in. tomllib does not say, so the text is searched."""

from __future__ import annotations

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAME = rf"({_PART}(?:\s*\.\s*{_PART})*)"
_TABLE = re.compile(rf"\s*(\[\[?)\s*{_NAME}\s*\]")
_KEY = re.compile(rf"\s*{_NAME}\s*=")


def line_of(text: str, *wanted: str | int) -> int | None:
    """Find the line of a key, such as ("sources", 1, "path"), or of the nearest thing around or inside it."""
    best, best_length = None, 0
    for number, path in _paths(text):
        length = min(len(path), len(wanted))
        if path[:length] == wanted[:length] and length > best_length:
            best, best_length = number, length
    return best


def _paths(text: str) -> list[tuple[int, tuple[str | int, ...]]]:
    """Every line that opens a table or sets a key, with the full path of what it names."""
    found: list[tuple[int, tuple[str | int, ...]]] = []
    table: tuple[str | int, ...] = ()
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if opened := _TABLE.match(line):
            name = _parts(opened[2])
            table = name
            if opened[1] == "[[":
                table = (*name, seen.get(name, 0))
                seen[name] = seen.get(name, 0) + 1
            found.append((number, table))
        elif key := _KEY.match(line):
            found.append((number, (*table, *_parts(key[1]))))
    return found


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, name))
