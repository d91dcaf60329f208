"""Noticing that a file has changed, by inotify(7) without a library: three calls, and no wake-up while nothing happens.

A library would be one more thing on the device, and polling would wake it up all the time.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CLOSE_WRITE, _MOVED, _CREATE, _DELETE = 0x8, 0x40 | 0x80, 0x100, 0x200
_ONLY_DIRECTORIES = 0x01000000
_EVENTS = _CLOSE_WRITE | _MOVED | _CREATE | _DELETE | _ONLY_DIRECTORIES
_NON_BLOCKING = os.O_NONBLOCK | os.O_CLOEXEC
_HEADER = struct.Struct("iIII")
_BUFFER_BYTES = 16 * 1024


class Watcher:
    """Watches files through the directories that they lie in: most programs replace a file instead of writing it.

    A directory is watched for all that happens in it. What cannot be watched is not: a heartbeat comes anyway.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._names: dict[int, set[str]] = {}
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        with suppress(AttributeError):  # a C library without it
            self._descriptor = self._libc.inotify_init1(_NON_BLOCKING)
        given = [*paths]
        for path in {*given, *map(_resolved, given)}:
            self._add(path)

    def fileno(self) -> int | None:
        """Give what becomes readable when something happens; None: nothing can be watched."""
        return self._descriptor if self._descriptor >= 0 else None

    def changed(self) -> bool:
        """Say whether a watched file has changed since the last time this was asked."""
        found = False
        with suppress(OSError):  # nothing more to read
            while events := os.read(self._descriptor, _BUFFER_BYTES):
                found |= self._is_about_us(events)
        return found

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _add(self, path: Path) -> None:
        for directory, name in ((path, ""), (path.parent, path.name)):  # the first fails unless it is a directory
            watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(directory), _EVENTS)
            if watch >= 0:
                self._names.setdefault(watch, set()).add(name)
                return

    def _is_about_us(self, events: bytes) -> bool:
        position, found = 0, False
        while position < len(events):
            watch, _, _, length = _HEADER.unpack_from(events, position)
            position += _HEADER.size
            name = os.fsdecode(events[position : position + length].rstrip(b"\0"))
            position += length
            names = self._names.get(watch, set())
            found |= name in names or "" in names
        return found


def _resolved(path: Path) -> Path:
    """Follow links: /etc/os-release is one, and what it leads to is what an update replaces."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path
