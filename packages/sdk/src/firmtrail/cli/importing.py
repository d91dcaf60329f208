"""`firmtrail devices import`: a table of any size, sent in pieces that a server takes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

import attrs

import firmtrail
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import RowsRefused
from firmtrail.errors import ConfigError
from firmtrail_contract import DeviceImport, ImportedRow, ImportOutcome

#: of a piece: half of what a server takes in bytes, and what it stores within a second or two
_MAX_BYTES, _MAX_ROWS = 2 * 1024 * 1024, 2_000
#: what a terminal does with a line
_CLEAR = "\x1b[K"


@attrs.define
class _Counts:
    """What became of the rows so far."""

    rows: int = 0
    created: int = 0
    known: int = 0
    refused: int = 0

    def add(self, done: DeviceImport) -> None:
        self.rows += len(done.rows)
        self.created += done.created_count
        self.known += done.known_count
        self.refused += done.refused_count

    def __str__(self) -> str:
        return f"{self.rows:,} rows: {self.created:,} created, {self.known:,} known, {self.refused:,} refused"


def import_file(client: firmtrail.Client, options: Any) -> Iterator[ImportedRow]:
    """Send piece after piece; give the rows that were refused, or all, numbered through the whole table.

    Raises:
        RowsRefused: at the end, if there were such.
    """
    project, counts = project_id(client, options), _Counts()
    media: Literal["csv", "ndjson"] = "ndjson" if options.ndjson else "csv"
    try:
        with _opened(options.file) as lines:
            for piece in _pieces(_decoded(lines, options.file), with_header=media == "csv"):
                done = client.devices.import_rows(project, piece, media=media, dry_run=options.dry_run)
                for row in done.rows:
                    if options.all or row.outcome is ImportOutcome.REFUSED:
                        yield attrs.evolve(row, row=counts.rows + row.row)
                counts.add(done)
                _progress(counts)
    finally:  # also of what was done before a failure
        _sum_up(counts, dry_run=options.dry_run)
    if counts.refused:
        raise RowsRefused("Mend the rows that were refused and import the table again: those that are done stay.")


def _progress(counts: _Counts) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{_CLEAR}{counts}\r")  # what comes next is written over it
        sys.stderr.flush()


def _sum_up(counts: _Counts, *, dry_run: bool) -> None:
    start = _CLEAR if sys.stderr.isatty() else ""
    sys.stderr.write(f"{start}{counts}{'; nothing was changed: --dry-run' if dry_run else ''}\n")


def _opened(file: str) -> AbstractContextManager[Iterable[str]]:
    if file == "-":
        return nullcontext(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig"))
    try:
        return Path(file).open(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None


def _decoded(lines: Iterable[str], file: str) -> Iterator[str]:
    """Give the lines that are not empty."""
    try:
        yield from (line.rstrip("\n") + "\n" for line in lines if line.strip())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} cannot be read: it is not UTF-8.") from None


def _pieces(lines: Iterator[str], *, with_header: bool) -> Iterator[str]:
    """Cut at line ends, which no row of such a table holds; each piece of CSV has the header."""
    header = next(lines, "") if with_header else ""
    piece, size, is_first = [header], len(header.encode()), True
    for line in lines:
        length = len(line.encode())
        if len(piece) > 1 and (len(piece) > _MAX_ROWS or size + length > _MAX_BYTES):
            yield "".join(piece)
            piece, size, is_first = [header], len(header.encode()), False
        piece.append(line)
        size += length
    if len(piece) > 1 or is_first:  # also an empty table: the server says what its header lacks
        yield "".join(piece)
