"""SIGINT and SIGTERM: the first one stops in order whatever runs, those after it change nothing. SIGHUP never does.

Stopping that is cut short would leave the embedded database behind, with nobody to stop it. The handlers are Python's,
not the event loop's: when it ends, the loop would put back the ones that kill, and the database is stopped after it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def unwind_on_signals() -> None:
    """From now on raise KeyboardInterrupt at the first signal."""

    def unwind(*_: Any) -> None:
        _handle(_do_nothing)
        raise KeyboardInterrupt

    _handle(unwind)
    signal.signal(signal.SIGHUP, _do_nothing)


def hold_signals() -> None:
    """From now on keep a signal back until `ended_by_signals`: a loop that is only half made cannot unwind."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


@contextmanager
def ended_by_signals() -> Generator[None]:
    """Cancel a block of the event loop at the first signal, whatever it waits for, and go on behind it."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def end(*_: Any) -> None:
        _handle(_do_nothing)
        loop.call_soon_threadsafe(task.cancel)

    _handle(end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        yield
    except asyncio.CancelledError:
        task.uncancel()
    finally:
        _handle(_do_nothing)


def _handle(handler: Callable[..., Any]) -> None:
    for number in _SIGNALS:
        signal.signal(number, handler)


def _do_nothing(*_: Any) -> None:
    """Not SIG_IGN, which child processes would inherit."""
