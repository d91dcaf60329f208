"""The directory of the server's socket: short, because the address of a socket is, and closed to other users."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from firmtrail_postgres.errors import DatabaseStartFailed
from firmtrail_postgres.identity import Identity

PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
_PREFIX = "firmtrail-"
#: The shortest limit of the systems we run on, macOS's; Linux allows 107.
_LONGEST_ADDRESS = 103
_OURS_IN_ADDRESS = len(f"/{_PREFIX}12345678/{SOCKET}")


def choose_socket_dir(earlier: Path | None, identity: Identity) -> Path:
    """Return the directory of an earlier server that was killed, where its clients look for it, or make a new one.

    Raises:
        DatabaseStartFailed: there is no place for one.
    """
    if earlier is not None and _is_private(earlier, identity):
        _clear(earlier)
        return earlier
    for parent in _parents():
        if len(os.fsencode(parent)) + _OURS_IN_ADDRESS <= _LONGEST_ADDRESS and identity.can_enter(parent):
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            identity.give(made)
            return made
    raise DatabaseStartFailed(
        f"There is no place for PostgreSQL's socket: set TMPDIR to a short path that {identity.name} can enter."
    )


def remove_socket_dir(socket_dir: Path) -> None:
    """Remove a directory of ours and what a killed server left in it."""
    if socket_dir.name.startswith(_PREFIX):
        with suppress(OSError):  # somebody keeps a file of theirs in it
            _clear(socket_dir)
            socket_dir.rmdir()


def _clear(socket_dir: Path) -> None:
    for name in (SOCKET, f"{SOCKET}.lock"):
        (socket_dir / name).unlink(missing_ok=True)


def _is_private(path: Path, identity: Identity) -> bool:
    """Whether the directory is still what we made: after its removal anybody may have made another one there."""
    try:
        found = path.lstat()
    except OSError:
        return False
    closed = stat.S_IMODE(found.st_mode) == stat.S_IRWXU
    return path.name.startswith(_PREFIX) and stat.S_ISDIR(found.st_mode) and closed and found.st_uid == identity.uid


def _parents() -> Generator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() != 0 and os.path.isabs(runtime) and os.access(runtime, os.W_OK | os.X_OK):  # noqa: PTH117  may be ""
        yield Path(runtime)
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108  a directory that nobody else can guess or enter is made in it
