"""Advisory locks on files, which end with the processes that hold them, however those end.

A lock belongs to an open file, not to a process: whoever inherits the descriptor holds the lock too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from firmtrail_postgres.errors import DataDirectoryBusy

PAUSE_SECONDS = 0.01


def wait_for(condition: Callable[[], bool], deadline: float) -> bool:
    """Ask again and again until the condition holds, or `time.monotonic()` has passed the deadline."""
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


@contextmanager
def lock_file(path: Path) -> Generator[int]:
    """Open the file of a lock, without taking the lock; closing it ends this process's hold."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock alone, unless anyone else holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Say whether anyone holds the lock, alone or shared."""
    with lock_file(path) as descriptor:
        return not try_lock(descriptor)


@contextmanager
def locked(path: Path, deadline: float) -> Generator[None]:
    """Hold the lock alone.

    Raises:
        DataDirectoryBusy: its holder did not let go in time.
    """
    with lock_file(path) as descriptor:
        if not wait_for(lambda: try_lock(descriptor), deadline):
            raise DataDirectoryBusy(
                f"Another process has been starting or stopping the database in {path.parent} for too long: "
                "end that process and try again."
            )
        yield


class SharedLock:
    """One of several holds on a lock."""

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            # Unlocked before closed: a process forked from this one has the descriptor too and would keep the lock.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
