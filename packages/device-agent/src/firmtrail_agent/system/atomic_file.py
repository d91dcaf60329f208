"""Small files that are there whole or not at all, whatever happens to the power, and that notice when they rot."""

from __future__ import annotations

import os
import stat
import zlib
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 1024 * 1024
#: what is being written, and what keeps room for it
_TEMPORARY, _ROOM = ".tmp", ".room"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Corrupt(Exception):
    """The content of a file is not what was written."""


def make_directory(directory: Path) -> None:
    """Make a directory for nobody else, unless it is there, and sweep what a power cut left in it."""
    new_directory(directory)
    sweep(directory)


def sweep(directory: Path) -> None:
    """Remove what `write` has begun and not finished, and room that nothing was written into."""
    for name in (_TEMPORARY, _ROOM):
        (directory / name).unlink(missing_ok=True)


def new_directory(directory: Path) -> None:
    """Make a directory for the owner of the one around it, unless it is there."""
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = directory.parent.stat()
        with suppress(PermissionError):
            os.lchown(directory, owner.st_uid, owner.st_gid)


def give_to_owner(descriptor: int, directory: Path) -> None:
    """Let a file belong to whom its directory does: root may work in that of a service with a user of its own."""
    owner = directory.stat()
    with suppress(PermissionError):  # only root can give a file away, and only root has to
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_room(directory: Path, size: int) -> None:
    """See that the next `write` there has room for so many bytes, or raise an OSError."""
    (directory / _ROOM).unlink(missing_ok=True)
    descriptor = os.open(directory / _ROOM, _NEW, 0o600)
    try:
        _write_all(descriptor, os.urandom(size))  # zeros take no room on a disk that is compressed
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def write(file: Path, content: str) -> None:
    """Put a new file in the place of the old one. Its directory has one writer."""
    data = content.encode()
    whole = b"%08x\n" % zlib.crc32(data) + data
    descriptor = _open_temporary(file.parent)
    try:
        give_to_owner(descriptor, file.parent)
        _write_all(descriptor, whole)
        os.ftruncate(descriptor, len(whole))  # only now: it goes into the room that was made for it
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    (file.parent / _TEMPORARY).replace(file)
    _sync_directory(file.parent)


def read(file: Path) -> str:
    """Read a file that `write` wrote.

    Raises:
        FileNotFoundError: there is none.
        Corrupt: its content is damaged.
        OSError: it cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a damaged disk may show a named pipe
    with open(descriptor, "rb") as opened:  # noqa: PTH123  a descriptor, not a path
        checksum, _, data = opened.read(MAX_BYTES).partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(data):
        raise Corrupt(f"{file} is damaged")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Corrupt(f"{file} is damaged") from None


def _open_temporary(directory: Path) -> int:
    """Open a file that nobody else has prepared: a new one, or the room that was made."""
    temporary = directory / _TEMPORARY
    temporary.unlink(missing_ok=True)
    with suppress(OSError):
        descriptor = os.open(directory / _ROOM, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if _is_ours(os.fstat(descriptor)):
            (directory / _ROOM).replace(temporary)
            return descriptor
        os.close(descriptor)
    return os.open(temporary, _NEW, 0o600)


def _is_ours(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
