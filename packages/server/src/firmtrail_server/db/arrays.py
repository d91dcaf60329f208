"""Array literals: half the cost of letting the driver adapt a list."""

from __future__ import annotations

from collections.abc import Iterable


def array(values: Iterable[str]) -> str:
    """Write numbers, UUIDs, moments or nulls as an array literal."""
    return "{" + ",".join(values) + "}"


def text_array(values: Iterable[str]) -> str:
    """Write texts as an array literal: quoted, so that none of them is taken for anything else."""
    listed = list(values)
    joined = '","'.join(listed)
    if "\\" in joined or joined.count('"') > 2 * max(len(listed) - 1, 0):  # hardly ever
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in listed])
    return f'{{"{joined}"}}' if listed else "{}"


def bytea_array(values: Iterable[bytes | None]) -> str:
    """Write bytes as an array literal, in PostgreSQL's hexadecimal form."""
    return "{" + ",".join(["null" if value is None else f'"\\\\x{value.hex()}"' for value in values]) + "}"
