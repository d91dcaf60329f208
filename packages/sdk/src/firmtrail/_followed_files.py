"""A file of rows that goes on with the changes after them: what another process has left there is gone on with.

It holds a JSON object a line: the rows of an export, then `{"last_number": ...}`, the number of the feed at which that
began, then changes. A line that a kill cut off is removed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from firmtrail.errors import ConfigError
from firmtrail_contract import FirmwareChange, strict_converter

_SUFFIXES = {".ndjson", ".jsonl"}
_TAIL_BYTES = 64 * 1024

_converter = strict_converter()


def check_name(path: Path) -> None:
    """Raise `ConfigError` unless changes can be appended to a file of this name."""
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(
            f"{path.name}: only *.ndjson can be followed. CSV has no columns for changes, and compressed, Parquet and "
            "Arrow files end when they are whole: export one, and follow the feed after its number."
        )


def position_line(number: int) -> bytes:
    """What follows the rows."""
    return json.dumps({"last_number": number}).encode() + b"\n"


class FollowedFile:
    """Appends changes, and knows how far it is."""

    def __init__(self, path: Path) -> None:
        """Open a file that is whole.

        Raises:
            ConfigError: it was not made to be followed.
        """
        self._file = path.open("r+b")
        line, end = _last_line(self._file)
        try:
            last = json.loads(line)
            self.last_number = int(last["last_number"] if "last_number" in last else last["number"])
        except (ValueError, LookupError, TypeError):
            self._file.close()
            raise ConfigError(f"{path.name} was not made to be followed: export it anew.") from None
        self._file.truncate(end)
        self._file.seek(end)

    def append(self, change: FirmwareChange) -> None:
        self._file.write(json.dumps(_converter.unstructure(change), ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        self.last_number = change.number

    def close(self) -> None:
        self._file.close()


def _last_line(file: BinaryIO) -> tuple[bytes, int]:
    """Give the last line that is whole, and where it ends."""
    size = file.seek(0, os.SEEK_END)
    length = _TAIL_BYTES
    while True:
        begin = max(0, size - length)
        file.seek(begin)
        tail, _, rest = file.read(size - begin).rpartition(b"\n")
        _, line_break, line = tail.rpartition(b"\n")
        if line_break or begin == 0:
            return line, size - len(rest)
        length *= 2
