"""Tables of devices of any size, cut into pieces that a server takes."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import attrs

from firmtrail._profiles import reason_of
from firmtrail.errors import ConfigError
from firmtrail_contract import DeviceImport

Media = Literal["csv", "ndjson"]

#: of a piece: half of what a server takes in bytes, and what it stores within a second or two
MAX_BYTES, MAX_ROWS = 2 * 1024 * 1024, 2_000
_NDJSON = (".ndjson", ".jsonl")


def media_of(file: str | os.PathLike[str]) -> Media:
    """Tell by its name what a file holds."""
    return "ndjson" if os.fspath(file).lower().endswith(_NDJSON) else "csv"


@contextmanager
def text_of(file: str | os.PathLike[str]) -> Generator[Iterator[str]]:
    """Open a file and give its lines, see `lines_of`.

    Raises:
        ConfigError: it cannot be read.
    """
    name = os.fspath(file)
    try:
        opened = Path(name).open(encoding="utf-8-sig")  # noqa: SIM115  what fails inside is not about opening it
    except OSError as error:
        raise _unreadable(name, error) from None
    with opened:
        yield lines_of(opened, name)


def lines_of(stream: Iterable[str], name: str) -> Iterator[str]:
    """Give the lines that are not empty, with one end of line each.

    Raises:
        ConfigError: they cannot be read.
    """
    try:
        yield from (line.rstrip("\n") + "\n" for line in stream if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, error) from None


def pieces(lines: Iterator[str], *, with_header: bool, max_rows: int, max_bytes: int) -> Iterator[str]:
    """Cut at line ends, which no row of such a table holds; each piece of CSV has the header."""
    header = next(lines, "") if with_header else ""
    piece, size, is_first = [header], len(header.encode()), True
    for line in lines:
        length = len(line.encode())
        if len(piece) > 1 and (len(piece) > max_rows or size + length > max_bytes):
            yield "".join(piece)
            piece, size, is_first = [header], len(header.encode()), False
        piece.append(line)
        size += length
    if len(piece) > 1 or is_first:  # also an empty table: the server says what its header lacks
        yield "".join(piece)


def renumbered(done: DeviceImport, *, after: int) -> DeviceImport:
    """Number the rows of a piece through the whole table."""
    return attrs.evolve(done, rows=[attrs.evolve(row, row=after + row.row) for row in done.rows])


def whole(done: Sequence[DeviceImport]) -> DeviceImport:
    """Sum up the pieces of a table."""
    return DeviceImport(
        dry_run=done[0].dry_run,
        created_count=sum(one.created_count for one in done),
        known_count=sum(one.known_count for one in done),
        refused_count=sum(one.refused_count for one in done),
        rows=[row for one in done for row in one.rows],
    )


def _unreadable(name: str, error: OSError | UnicodeDecodeError) -> ConfigError:
    return ConfigError(f"{name} cannot be read: {reason_of(error)}.")
