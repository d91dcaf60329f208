"""Reading a small file of the device without trusting it: a pipe does not block, a huge file is not read."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from firmtrail_agent.sources.engine.source import SourceAbsent, SourceFailed
from firmtrail_agent.system.rooted_path import RootedPath

#: what lies behind a text: NUL, the mark with which DOS ends one, and erased flash
_PADDING = b"\0\x1a\xff"
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


def below(root: Path, path: str) -> RootedPath:
    """Place an absolute path of the device below `root`, which no link leads out of."""
    return RootedPath(root, path)


def read_text(file: RootedPath, *, max_bytes: int) -> str:
    """Read a file whole; raises what `read_bytes` raises."""
    return text_of_file(read_bytes(file, max_bytes=max_bytes))


def text_of_file(content: bytes) -> str:
    """Decode what the editors of any system write: UTF-8 or UTF-16, with their ends of lines, and padding behind it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with suppress(UnicodeDecodeError):
            content = content.decode("utf-16").encode()
    return as_text(content.rstrip(_PADDING) or content).replace("\r", "\n")


def read_bytes(file: RootedPath, *, max_bytes: int) -> bytes:
    """Read a file whole, which need not be text.

    Raises:
        SourceAbsent: there is none.
        SourceFailed: it is no regular file, or not readable, or too large.
    """
    with opened(file) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise SourceFailed(f"{file} is larger than {max_bytes} bytes; it holds more than a version")
    return content


def as_text(content: bytes) -> str:
    """Decode UTF-8. Other bytes become surrogates, which no version may hold: only what is asked for has to be text."""
    return content.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape").replace("\r\n", "\n")


def require_there(file: RootedPath) -> None:
    """Raise SourceAbsent unless something stands there, whatever it is."""
    with _explained(file):
        file.stat()


def real_path(file: RootedPath) -> Path:
    """Follow the links to it, which stay below the root."""
    with _explained(file):
        return file.real()


@contextmanager
def opened(file: RootedPath, *, may_be_link: bool = True) -> Generator[BinaryIO]:
    """Open a regular file; all that goes wrong until it is closed is a SourceAbsent or SourceFailed."""
    with _explained(file):
        _require_regular(file, file.stat(may_be_link=may_be_link))  # opening a device may set it going
        descriptor = file.open(os.O_RDONLY | os.O_NONBLOCK, may_be_link=may_be_link)
        with open(descriptor, "rb") as stream:  # noqa: PTH123  a descriptor, not a path
            _require_regular(file, os.fstat(stream.fileno()))  # it may have been another file a moment ago
            yield stream


def listed(folder: RootedPath) -> tuple[os.stat_result, list[RootedPath]]:
    """Look into a directory: what it is itself, and what it holds, in the order of the names."""
    with _explained(folder):
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise SourceFailed(f"{folder} is no directory")
        descriptor = folder.open(os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = sorted(os.listdir(descriptor))  # noqa: PTH208  a descriptor, not a path
            return os.fstat(descriptor), [folder / name for name in names]
        finally:
            os.close(descriptor)


@contextmanager
def _explained(file: RootedPath) -> Generator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise SourceAbsent(f"there is no {file}") from None
    except OSError as error:
        raise SourceFailed(f"{file} cannot be read: {error.strerror}") from None


def _require_regular(file: RootedPath, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise SourceFailed(f"{file} is {kind}, not a regular file")
