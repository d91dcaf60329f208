"""How a command that asks the server waits for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run until it is done; Ctrl-C ends the process at once, also in the middle of a look-up."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_forever(work)


def run_forever(work: Coroutine[Any, Any, T]) -> T:
    """Run what sees to signals by itself. Not asyncio.run: it waits for a thread that asks a dead DNS server."""
    return asyncio.new_event_loop().run_until_complete(work)
