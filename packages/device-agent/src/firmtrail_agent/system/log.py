"""Lines on stderr, with the priority that systemd's journal understands where stderr is the journal.

Each argument is one line, whatever it holds: what somebody else wrote can forge no second one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from firmtrail_agent.validation.redact import cleaned

_HOUR = 3600.0


def error(*lines: str) -> None:
    _write(3, lines)


def warning(*lines: str) -> None:
    _write(4, lines)


def info(*lines: str) -> None:
    _write(6, lines)


class OnChange:
    """Says something about a topic when it differs from what was said last, and again after 1, 2, 4 ... hours."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: by topic: what kind of thing was said, when it is said again, and how long after that once more
        self._said: dict[str, tuple[str, float, float]] = {}

    def warning(self, topic: str, *lines: str, kind: str | None = None) -> None:
        """Warn, unless the last warning about the topic was of the same kind (without one: the same lines)."""
        kind, now = kind or "\n".join(lines), self._clock()
        said, again_at, pause = self._said.get(topic, ("", 0.0, 0.0))
        if said != kind:
            self._said[topic] = (kind, now + _HOUR, _HOUR)
        elif now >= again_at:
            self._said[topic] = (kind, now + 2 * pause, 2 * pause)
        else:
            return
        warning(*lines)

    def recovered(self, topic: str, message: str) -> None:
        """Say that it is over, if there was a warning."""
        if self._said.pop(topic, None) is not None:
            info(message)


def _write(priority: int, lines: Sequence[str]) -> None:
    with suppress(OSError, ValueError):  # a full disk or a closed stderr must not stop the agent
        prefix = f"<{priority}>" if _is_journal() else "firmtrail-agent: "
        print("\n".join(prefix + cleaned(line) for line in lines), file=sys.stderr, flush=True)  # noqa: T201  this is the log


def _is_journal() -> bool:
    """Compare the device and inode that systemd names with those of stderr, which may be redirected."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
