"""Keeping the service small: two things that cost memory on a device and serve nobody there."""

from __future__ import annotations

import ctypes
import linecache
from contextlib import suppress

#: of mallopt(3)
_M_ARENA_MAX = -8


def save() -> None:
    """Let all threads share one heap, and forget the sources that attrs has generated. Call it before any thread."""
    with suppress(AttributeError):  # a C library without it
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    linecache.clearcache()
