"""Reading a small file of the device without trusting it: a pipe does not block, a huge file is not read."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from firmtrail_agent.sources.reading import SourceAbsent, SourceFailed

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


def below(root: Path, path: str) -> Path:
    """Place an absolute path of the device below `root`."""
    return root / path.lstrip("/")


def read_text(file: Path, *, max_bytes: int) -> str:
    """Read a file whole.

    Raises:
        SourceAbsent: there is none.
        SourceFailed: it is no regular file, or not readable, too large, or no text.
    """
    return as_text(read_bytes(file, max_bytes=max_bytes), str(file))


def read_bytes(file: Path, *, max_bytes: int) -> bytes:
    """Read a file whole, which need not be text; raises what `read_text` raises."""
    with opened(file) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise SourceFailed(f"{file} is larger than {max_bytes} bytes; it holds more than a version")
    return content


def as_text(content: bytes, place: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SourceFailed(f"{place} is not UTF-8 text") from None


@contextmanager
def opened(file: Path, *, may_be_link: bool = True) -> Generator[BinaryIO]:
    """Open a regular file; all that goes wrong until it is closed is a SourceAbsent or SourceFailed."""
    try:
        _require_regular(file, file.stat(follow_symlinks=may_be_link))  # opening a device may set it going
        no_link = 0 if may_be_link else os.O_NOFOLLOW
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | no_link)
        with open(descriptor, "rb") as stream:  # noqa: PTH123  a descriptor, not a path
            _require_regular(file, os.fstat(descriptor))  # it may have been another file a moment ago
            yield stream
    except (FileNotFoundError, NotADirectoryError):
        raise SourceAbsent(f"there is no {file}") from None
    except OSError as error:
        raise SourceFailed(f"{file} cannot be read: {error.strerror}") from None


def _require_regular(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise SourceFailed(f"{file} is {kind}, not a regular file")
