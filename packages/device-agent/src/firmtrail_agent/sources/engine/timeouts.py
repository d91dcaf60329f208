"""Waiting for what may hang for ever: a failing disk, a dead network mount, a driver that does not answer.

A thread that hangs in the kernel cannot be ended, only left behind. One is enough: as long as it hangs, no second
one is sent after it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: the most that a source can ask for
MAX_TIMEOUT_SECONDS = 30
#: for one that answers at once, and this is most of them, nothing else is done meanwhile
TURN_SECONDS = 1.0
#: threads and programs are few on a small device
MAX_AT_ONCE = 4
#: what has had no turn by then has none
LAST_START_SECONDS = 80.0
_LOOK_EVERY_SECONDS = 0.05


class TimedOut(Exception):
    """There was no answer in time."""


class TimedCall(Generic[T]):
    """Something to be asked in a thread of its own; `name` tells it from all else in this process."""

    def __init__(self, seconds: float, name: str, work: Callable[[], T]) -> None:
        #: how long an answer is waited for
        self.seconds = seconds
        self._name = name
        self._work = work
        self._answers: list[T] = []
        self._errors: list[Exception] = []
        self._thread: threading.Thread | None = None
        self._deadline = 0.0

    def start(self) -> None:
        """Ask now, unless an earlier attempt to do so still hangs."""
        if any(thread.name == self._name for thread in threading.enumerate()):
            self._errors.append(
                TimedOut("it still hangs in an earlier attempt to read it: look at the disk or the driver behind it")
            )
            return
        thread = threading.Thread(target=self._answer, name=self._name, daemon=True)
        self._deadline = time.monotonic() + self.seconds
        try:
            thread.start()
        except RuntimeError as error:  # the device is at its limit
            self._errors.append(TimedOut(f"it cannot be asked: {error}"))
        else:
            self._thread = thread

    @property
    def is_running(self) -> bool:
        """Whether an answer may still come."""
        return self._thread is not None and self._thread.is_alive() and time.monotonic() < self._deadline

    def wait(self, seconds: float) -> None:
        """Wait for the answer, and not beyond the timeout."""
        if self._thread is not None:
            self._thread.join(max(0.0, min(seconds, self._deadline - time.monotonic())))

    def result(self) -> T:
        """Return what was answered, or raise what was raised instead.

        Raises:
            TimedOut: it has not come to an end, now or at an earlier time, or was not asked.
        """
        self.wait(self.seconds)
        if self._errors:
            raise self._errors[0]
        if self._answers:
            return self._answers[0]
        if self._thread is None:
            raise TimedOut("it had no turn, since others took their time: look at those that have not answered")
        raise TimedOut(f"it has not answered within {self.seconds:g} s: look at the disk or the driver behind it")

    def _answer(self) -> None:
        try:
            self._answers.append(self._work())
        except Exception as error:  # noqa: BLE001  it is raised where it belongs, in `result`
            self._errors.append(error)


def run_all(calls: Sequence[TimedCall[Any]]) -> None:
    """Ask one after the other, those with the shortest timeout first.

    One that takes its time is waited for beside the next ones. So one that hangs takes no other's turn, and all are
    over when the last turn and the longest timeout are.
    """
    since = time.monotonic()
    slow: list[TimedCall[Any]] = []
    for call in sorted(calls, key=lambda one: one.seconds):
        while len(slow := [one for one in slow if one.is_running]) >= MAX_AT_ONCE:
            slow[0].wait(_LOOK_EVERY_SECONDS)
        if time.monotonic() - since > LAST_START_SECONDS:
            return
        call.start()
        call.wait(TURN_SECONDS)
        slow.append(call)
