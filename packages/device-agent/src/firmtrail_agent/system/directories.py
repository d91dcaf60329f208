"""Where the agent keeps what must outlast a reboot, and what must not; and that one process at a time uses it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from firmtrail_agent.system import atomic_file
from firmtrail_agent.system.rooted_path import real_path

_STATE, _RUNTIME = "var/lib/firmtrail-agent", "run/firmtrail-agent/daemon"
_LOCK = "lock"


class InUse(Exception):
    """Another agent uses the directory. The message names it."""


def state(environment: Mapping[str, str], root: Path) -> Path:
    """Name the directory that systemd gave, or the usual one."""
    return Path(environment.get("STATE_DIRECTORY") or real_path(root, _STATE))


def runtime(environment: Mapping[str, str], root: Path) -> Path:
    """Name the directory in memory that systemd gave, or the usual one."""
    return Path(environment.get("RUNTIME_DIRECTORY") or real_path(root, _RUNTIME))


def hold(directory: Path) -> int | None:
    """Keep other agents out of a directory until this process ends, by an open file that is returned.

    None: nothing can be written there, so there is nothing to keep them from.

    Raises:
        InUse: another one was faster.
    """
    try:
        atomic_file.new_directory(directory)
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        atomic_file.give_to_owner(descriptor, directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InUse(f"Another firmtrail-agent uses {directory}.") from None
    return descriptor


def is_held(directory: Path) -> bool:
    """Say whether an agent runs that holds a directory.

    Raises:
        PermissionError: this user may not know.
    """
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
