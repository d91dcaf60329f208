"""Waiting for what may hang for ever: a failing disk, a dead network mount, a driver that does not answer.

A thread that hangs in the kernel cannot be ended, only left behind. One is enough: as long as it hangs, no second
one is sent after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Impatient(Exception):
    """There was no answer in time."""


def within(seconds: float, name: str, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, or raise what it raises; `name` tells what is asked from all else in this process.

    Raises:
        Impatient: it has not come to an end, now or at an earlier time.
    """
    if any(thread.name == name for thread in threading.enumerate()):
        raise Impatient("it still hangs in an earlier attempt to read it: look at the disk or the driver behind it")
    answers: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # noqa: BLE001  it is raised where it belongs, below
            errors.append(error)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Impatient(f"it has not answered within {seconds:g} s: look at the disk or the driver behind it")
    if errors:
        raise errors[0]
    return answers[0]
