"""Reading a small text file of the device without trusting it: a pipe does not block, a huge file is not read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from firmtrail_agent.sources.reading import SourceAbsent, SourceFailed


def below(root: Path, path: str) -> Path:
    """Place an absolute path of the device below `root`."""
    return root / path.lstrip("/")


def read_text(file: Path, *, max_bytes: int) -> str:
    """Read a file whole.

    Raises:
        SourceAbsent: there is none.
        SourceFailed: it is no regular file, or not readable, too large, or no text.
    """
    try:
        content = _content(file, max_bytes)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceAbsent(f"there is no {file}") from None
    except OSError as error:
        raise SourceFailed(f"{file} cannot be read: {error.strerror}") from None
    if len(content) > max_bytes:
        raise SourceFailed(f"{file} is larger than {max_bytes} bytes; it holds more than a version")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SourceFailed(f"{file} is not UTF-8 text") from None


def _content(file: Path, max_bytes: int) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceFailed(f"{file} is not a regular file")
        return os.read(descriptor, max_bytes + 1)
    finally:
        os.close(descriptor)
