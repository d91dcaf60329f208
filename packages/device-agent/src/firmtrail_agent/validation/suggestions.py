"""The name that somebody probably meant."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Find the name that was probably meant: a key, or where the name has one part, a table of keys."""
    from difflib import get_close_matches  # noqa: PLC0415  only somebody who mistyped waits for it

    short = {full.rpartition(".")[2]: full for full in known}
    if close := get_close_matches(name, [*known] if "." in name else [*known, *tables_of(known)], 1):
        return close[0]
    close = get_close_matches(name.rpartition(".")[2], short, 1)
    return short[close[0]] if close else None


def tables_of(known: Sequence[str]) -> set[str]:
    """Name the tables that keys stand in."""
    return {name.rpartition(".")[0] for name in known} - {""}
