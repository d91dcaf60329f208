"""What can keep the embedded PostgreSQL from running. Each message is one sentence that says what to do.

EmbeddedDatabaseError
├── BinariesNotFound          no programs of PostgreSQL, or none that run
├── UserUnusable              root needs an unprivileged user to run PostgreSQL, and can become none
├── DataDirectoryUnusable     a file, not writable, not reachable, of another owner, on a full disk
│   └── OtherMajorVersion     made by another major version of PostgreSQL
├── DataDirectoryBusy         another process holds it and does not come to an end
├── DatabaseStartFailed
│   └── DatabaseNotReady      it runs, but takes no connections yet
└── DatabaseStopFailed
"""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedDatabaseError(Exception):
    """The embedded PostgreSQL cannot be used. The message says what the operator can do."""


class BinariesNotFound(EmbeddedDatabaseError):
    pass


class UserUnusable(EmbeddedDatabaseError):
    pass


class DataDirectoryUnusable(EmbeddedDatabaseError):
    pass


class OtherMajorVersion(DataDirectoryUnusable):
    def __init__(self, root: Path, *, found: str, wanted: int) -> None:
        super().__init__(
            f"The data directory {root} was made by PostgreSQL {found}, but the programs are of PostgreSQL {wanted}: "
            f"set FIRMTRAIL_PG_BIN to the programs of PostgreSQL {found}, or move the data over with pg_upgrade."
        )


class DataDirectoryBusy(EmbeddedDatabaseError):
    pass


class DatabaseStartFailed(EmbeddedDatabaseError):
    pass


class DatabaseNotReady(DatabaseStartFailed):
    pass


class DatabaseStopFailed(EmbeddedDatabaseError):
    pass


@contextmanager
def explained(root: Path) -> Generator[None]:
    """Turn what the operating system refuses, and a program that does not end, into a sentence of ours."""
    try:
        yield
    except OSError as error:
        raise DataDirectoryUnusable(_sentence(root, error)) from error
    except subprocess.TimeoutExpired as error:
        program = Path(error.cmd[0]).name
        raise DatabaseStartFailed(
            f"{program} did not come to an end for the data directory {root}: "
            "see whether its disk is slow or stuck, and start again."
        ) from error


def disk_full(root: Path) -> DataDirectoryUnusable:
    return DataDirectoryUnusable(f"The disk that holds the data directory {root} is full: make room and start again.")


def _sentence(root: Path, error: OSError) -> str:
    path = error.filename or root
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return str(disk_full(root))
        case errno.EEXIST | errno.ENOTDIR:
            return f"The data directory {root} cannot be one, because a file is in its way: choose another directory."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return (
                f"The data directory {root} cannot be used, because we may not write {path}: "
                "change its owner or mode, or choose another directory."
            )
        case _:
            return f"The data directory {root} cannot be used ({path}: {error.strerror}): choose another directory."
