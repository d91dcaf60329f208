"""The running server: starting its first process, seeing whether it answers, stopping it.

It is nobody's child, whoever started it: it lives on when that process is killed, and others can take over.
Whether it lives is told by one lock alone, which all of its processes inherit. Process ids are only where to send a
signal: they are used again, sooner than anywhere else in a container.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from firmtrail_postgres.directory import NO_SPACE, DataDirectory
from firmtrail_postgres.errors import (
    DatabaseNotReady,
    DatabaseStartFailed,
    DatabaseStopFailed,
    DataDirectoryUnusable,
    disk_full,
)
from firmtrail_postgres.identity import Identity
from firmtrail_postgres.locks import PAUSE_SECONDS, is_held, try_lock, wait_for
from firmtrail_postgres.sockets import PORT, SOCKET, choose_socket_dir, remove_socket_dir

_LAUNCH_SECONDS = 30
_STOP_SECONDS = 60
#: Starts a program in the background, as nobody's child, with all it says on standard error.
_IN_BACKGROUND = '"$@" >&2 &'

_REASONS = ("FATAL:", "PANIC:")
_DEFAULTS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Of whoever connects: a transaction that is forgotten makes every report cost more until it ends.
    "idle_in_transaction_session_timeout": "60s",
    # A table that only grows is vacuumed after a fifth of it; until then, index-only scans read the table itself.
    "autovacuum_vacuum_insert_scale_factor": "0.01",
    # A statement that fails is reported to its client; the log would keep the values in it.
    "log_min_messages": "log",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class PidFile:
    """What postmaster.pid says about the server that wrote it, which may be gone."""

    pid: int
    socket_dir: Path
    #: takes connections; during crash recovery it does not yet
    ready: bool


@dataclass(frozen=True)
class Launched:
    """A server that we have just started."""

    socket_dir: Path
    #: where its part of the log begins
    log_start: int


def read_pid_file(data: Path) -> PidFile | None:
    """Read postmaster.pid; None when there is none, or not yet all of it."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        pid, socket_dir, status = int(lines[0]), lines[4], "".join(lines[7:]).strip()
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return PidFile(pid=pid, socket_dir=Path(socket_dir), ready=status == "ready") if socket_dir else None


def find_running(directory: DataDirectory, server_lock: int, deadline: float) -> Path | None:
    """Return the socket directory of the server that answers, or None once the lock is ours and so none lives.

    Raises:
        DatabaseNotReady: some process of it lives, but it does not answer.
    """
    while not try_lock(server_lock):
        if socket_dir := _answering(directory.data):
            return socket_dir
        if time.monotonic() > deadline:
            raise not_ready(directory)
        time.sleep(PAUSE_SECONDS)
    return None


def launch(
    directory: DataDirectory, bin_dir: Path, identity: Identity, *, server_lock: int, settings: Mapping[str, str]
) -> Launched:
    """Start the server, which inherits the lock. It does not answer yet."""
    stale = read_pid_file(directory.data)
    socket_dir = choose_socket_dir(stale and stale.socket_dir, identity)
    server = [bin_dir / "postgres", "-D", directory.data, *_options(settings, socket_dir)]
    try:
        with os.fdopen(os.open(directory.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "ab") as log:
            log_start = log.tell()
            identity.run(
                ["/bin/sh", "-c", _IN_BACKGROUND, "sh", *server],
                timeout=_LAUNCH_SECONDS,
                errors=log.fileno(),
                environment=_ancestry(stale),
                pass_fds=[server_lock],
            )
    except BaseException:
        remove_socket_dir(socket_dir)
        raise
    return Launched(socket_dir=socket_dir, log_start=log_start)


def wait_until_ready(directory: DataDirectory, launched: Launched, deadline: float) -> Path:
    """Wait until the server answers, and return its socket directory.

    Raises:
        DatabaseStartFailed: it ended.
        DatabaseNotReady: it needs more time.
        DataDirectoryUnusable: the disk is full.
    """
    while not _answering(directory.data):
        if not is_held(directory.server_lock):
            remove_socket_dir(launched.socket_dir)
            raise _failure(directory, launched)
        if time.monotonic() > deadline:
            raise not_ready(directory)
        time.sleep(PAUSE_SECONDS)
    return launched.socket_dir


@contextmanager
def stopped_on_failure(directory: DataDirectory) -> Generator[None]:
    """Stop a server that the block has launched or found, should the block be cut short and nobody else use it.

    One that is not ready in time is left to its recovery, which a later start can wait for again.
    """
    before = read_pid_file(directory.data)
    try:
        yield
    except DatabaseNotReady:
        raise
    except BaseException:
        if not is_held(directory.users_lock):
            wait_for(lambda: _is_known(directory, before), time.monotonic() + _LAUNCH_SECONDS)
            stop(directory)
        raise


def stop(directory: DataDirectory) -> bool:
    """Stop the server if one runs here; say whether one did.

    Raises:
        DatabaseStopFailed: it did not end in time.
    """
    running = read_pid_file(directory.data)
    if running is None or not is_held(directory.server_lock):
        return False
    _end(directory, running)
    return True


def answers(directory: DataDirectory) -> bool:
    """Say whether a server takes connections here."""
    return _answering(directory.data) is not None


def not_ready(directory: DataDirectory) -> DatabaseNotReady:
    running = read_pid_file(directory.data)
    process = f" (process {running.pid})" if running else ""
    return DatabaseNotReady(
        f"PostgreSQL{process} holds the data directory {directory.root} but does not answer yet: "
        f"see {directory.log} for what it does, and start again when it is done, or end it."
    )


def _is_known(directory: DataDirectory, before: PidFile | None) -> bool:
    """Whether it is certain that no server lives, or that postmaster.pid is of the one that does."""
    if not is_held(directory.server_lock) or _answering(directory.data):
        return True
    return read_pid_file(directory.data) not in (None, before)


def _end(directory: DataDirectory, server: PidFile) -> None:
    """Let the server roll back, close its connections, write a checkpoint and end ("fast" shutdown)."""
    for _ in range(_STOP_SECONDS):  # asked every second: one that has only just begun may not have heard
        if not is_held(directory.server_lock):
            remove_socket_dir(server.socket_dir)
            return
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGINT)
        wait_for(lambda: not is_held(directory.server_lock), time.monotonic() + 1)
    raise DatabaseStopFailed(
        f"PostgreSQL (process {server.pid}) did not stop within {_STOP_SECONDS} seconds: see {directory.log}."
    )


def _answering(data: Path) -> Path | None:
    said = read_pid_file(data)
    if said is None or not said.ready:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(said.socket_dir / SOCKET))
        except OSError:  # the file is older than the server
            return None
    return said.socket_dir


def _options(settings: Mapping[str, str], socket_dir: Path) -> Generator[str]:
    """Options rather than lines of postgresql.conf, so that an old data directory gets what we know now."""
    fixed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
    }
    for name, value in {**_DEFAULTS, **settings, **fixed}.items():
        yield from ("-c", f"{name}={value}")


def _ancestry(stale: PidFile | None) -> dict[str, str]:
    """Say that the id in an old postmaster.pid is not another server's.

    The lock proves that its writer is gone, yet the id may be in use again, and PostgreSQL would refuse to start.
    It takes this variable's for an ancestor of its own, and goes on to its second check, of the shared memory.
    """
    return {"PG_GRANDPARENT_PID": str(stale.pid)} if stale else {}


def _failure(directory: DataDirectory, launched: Launched) -> DatabaseStartFailed | DataDirectoryUnusable:
    with directory.log.open("rb") as log:
        log.seek(launched.log_start)
        said = log.read().decode(errors="replace")
    if NO_SPACE in said:
        return disk_full(directory.root)
    reasons = [line.partition(mark)[2].strip() for line in said.splitlines() for mark in _REASONS if mark in line]
    reason = reasons[-1] if reasons else "it gave no reason"
    return DatabaseStartFailed(
        f"PostgreSQL did not start ({reason}): see {directory.log}, set that right and start again."
    )
