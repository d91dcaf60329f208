"""Files that an export is written to, chosen by their names. A file has its name once it is whole.

Until then it lies beside it, with `.part` added; of text, `.part.json` says how far it is, so that another process can
go on.
"""

from __future__ import annotations

import gzip
import json
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import attrs

from firmtrail._exports import arrow
from firmtrail.errors import ConfigError
from firmtrail_contract import ARROW_TYPE, CSV_TYPE, NDJSON_TYPE

_TEXTS = {".ndjson": NDJSON_TYPE, ".jsonl": NDJSON_TYPE, ".csv": CSV_TYPE}
_FRAMES = {".arrow", ".parquet"}
_NAMES = "*.ndjson, *.csv, each also with .gz or .zst, *.parquet or *.arrow"


@attrs.frozen(kw_only=True)
class Mark:
    """How far a file is."""

    rows: int = 0
    #: of the file
    size: int = 0
    #: the last device
    after: uuid.UUID | None = None
    #: of the feed, before the first row was read
    feed_number: int | None = None


class Target(Protocol):
    """A file that is being written."""

    @property
    def media_type(self) -> str: ...

    #: where it goes on
    mark: Mark

    def write(self, pieces: list[Any]) -> None: ...

    def keep(self, mark: Mark) -> None:
        """Note how far it is."""
        ...

    def finish(self) -> None:
        """Give it its name."""
        ...

    def close(self) -> None:
        """Leave it: what is not finished goes, unless it can be gone on with."""
        ...


def can_be_resumed(path: Path) -> bool:
    """Whether a process before has left how far it was."""
    return _note_of(path).exists()


def open_target(path: Path, query: Mapping[str, Any], *, resume: bool) -> Target:
    """Begin a file, or go on with one that a process before has left.

    Raises:
        ConfigError: its name says no format, or there is nothing to go on with.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    coding = suffixes.pop() if suffixes and suffixes[-1] in (".gz", ".zst") else ""
    kind = suffixes[-1] if suffixes else ""
    if kind in _TEXTS:
        return TextTarget(path, _TEXTS[kind], _compression(coding), query, resume=resume)
    if kind in _FRAMES and not coding:
        if resume:
            raise ConfigError(f"{path.name}: only text can be resumed by another process: *.ndjson or *.csv.")
        return ParquetTarget(path) if kind == ".parquet" else ArrowTarget(path)
    raise ConfigError(f"The name {path.name!r} says no format: use {_NAMES}.")


def _compression(coding: str) -> Callable[[bytes], bytes]:
    if coding == ".gz":
        return lambda content: gzip.compress(content, compresslevel=6, mtime=0)
    if coding == ".zst":
        try:
            import zstandard  # noqa: PLC0415  an extra
        except ImportError:
            raise ConfigError("To write .zst takes zstandard: pip install 'firmtrail[zstd]'.") from None
        return lambda content: zstandard.ZstdCompressor().compress(content)
    return lambda content: content


class TextTarget:
    """Lines; what is compressed is in parts that each can be decompressed, so that the file can be cut between them."""

    def __init__(
        self,
        path: Path,
        media_type: str,
        compress: Callable[[bytes], bytes],
        query: Mapping[str, Any],
        *,
        resume: bool,
    ) -> None:
        self.media_type = media_type
        self.mark = Mark()
        self._path, self._compress, self._query = path, compress, dict(query)
        self._part, self._note = _part_of(path), _note_of(path)
        if resume:
            self.mark = self._noted()
        else:
            self._note.unlink(missing_ok=True)
        self._file = self._part.open("r+b" if resume else "wb")
        self._file.truncate(self.mark.size)
        self._file.seek(self.mark.size)

    def write(self, pieces: list[Any]) -> None:
        if content := b"".join(pieces):
            self._file.write(self._compress(content))

    def keep(self, mark: Mark) -> None:
        self._file.flush()
        self.mark = attrs.evolve(mark, size=self._file.tell())
        note = {
            "query": self._query,
            "rows": mark.rows,
            "size": self.mark.size,
            "after": str(mark.after),
            "feed_number": mark.feed_number,
        }
        beside = self._note.with_name(f"{self._note.name}.new")
        beside.write_text(json.dumps(note), encoding="utf-8")
        beside.replace(self._note)

    def finish(self) -> None:
        _close_on_disk(self._file)
        self._part.replace(self._path)
        self._note.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()
        if not self._note.exists():
            self._part.unlink(missing_ok=True)

    def _noted(self) -> Mark:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            mark = Mark(
                rows=note["rows"],
                size=note["size"],
                after=uuid.UUID(note["after"]),
                feed_number=note.get("feed_number"),  # an older version did not note it
            )
            is_there = self._part.stat().st_size >= mark.size
        except (OSError, ValueError, LookupError, TypeError):
            raise ConfigError(f"There is nothing to resume beside {self._path}: start without it.") from None
        if not is_there or note["query"] != self._query:
            raise ConfigError(f"What lies beside {self._path} is of another export: start without resuming it.")
        return mark


class _FrameTarget(ABC):
    """Record batches, one after the other; each file has an end that only a whole one has."""

    media_type = ARROW_TYPE

    def __init__(self, path: Path) -> None:
        self.mark = Mark()
        self._path, self._part = path, _part_of(path)
        self._arrow = arrow()
        self._file = self._part.open("wb")
        self._writer: Any = None

    def write(self, pieces: list[Any]) -> None:
        table = self._arrow.Table.from_batches(pieces) if pieces else None
        if table is not None:
            self._writer = self._writer or self._new_writer(table.schema.remove_metadata())
            self._writer.write_table(table.replace_schema_metadata(None))

    def keep(self, mark: Mark) -> None:
        self.mark = mark

    def finish(self) -> None:
        self._writer = self._writer or self._new_writer(_empty_schema(self._arrow))
        self._writer.close()
        _close_on_disk(self._file)
        self._part.replace(self._path)

    def close(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    @abstractmethod
    def _new_writer(self, schema: Any) -> Any:
        """Begin the file's format."""


class ParquetTarget(_FrameTarget):
    """A row group for each stretch, compressed."""

    def _new_writer(self, schema: Any) -> Any:
        parquet: Any = import_module("pyarrow.parquet")
        return parquet.ParquetWriter(self._file, schema, compression="zstd")


class ArrowTarget(_FrameTarget):
    """Arrow's file format."""

    def _new_writer(self, schema: Any) -> Any:
        return self._arrow.ipc.new_file(self._file, schema)


def _empty_schema(pa: Any) -> Any:
    moment = pa.timestamp("us", tz="UTC")
    texts = ["device_id", "device_name", "component", "period_id", "version"]
    moments = ["first_reported_at", "last_reported_at", "superseded_at"]
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            *((name, moment) for name in moments),
            ("report_count", pa.int64()),
            ("recorded_at", moment),
        ]
    )


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.json")


def _close_on_disk(file: Any) -> None:
    if not file.closed:
        file.flush()
        os.fsync(file.fileno())
        file.close()
