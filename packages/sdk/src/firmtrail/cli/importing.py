"""`firmtrail devices import`: a table of any size, sent in pieces that a server takes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs

import firmtrail
from firmtrail._tables import MAX_BYTES, MAX_ROWS, Media, lines_of, media_of, pieces, renumbered, text_of
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import RowsRefused
from firmtrail_contract import DeviceImport, ImportedRow, ImportOutcome

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
    media: Media = "ndjson" if options.ndjson else media_of(options.file)
    try:
        with opened(options.file) as lines:
            for piece in pieces(lines, with_header=media == "csv", max_rows=MAX_ROWS, max_bytes=MAX_BYTES):
                done = client.devices.import_rows(project, piece, media=media, dry_run=options.dry_run)
                for row in renumbered(done, after=counts.rows).rows:
                    if options.all or row.outcome is ImportOutcome.REFUSED:
                        yield row
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


def opened(file: str) -> AbstractContextManager[Iterator[str]]:
    """Open a table of the command line; - is standard input."""
    if file == "-":
        return nullcontext(lines_of(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig"), "standard input"))
    return text_of(file)
