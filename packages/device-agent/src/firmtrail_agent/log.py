"""Lines on stderr, with the priority that systemd's journal understands where stderr is the journal."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def error(message: str) -> None:
    _write(3, message)


def warning(message: str) -> None:
    _write(4, message)


def info(message: str) -> None:
    _write(6, message)


class OnChange:
    """Says something about a topic only when it differs from what was said last: a lasting fault is one line."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def warning(self, topic: str, message: str, *, kind: str | None = None) -> None:
        """Warn, unless the last warning about the topic was of the same kind (without one: the same message)."""
        if self._said.get(topic) != (kind or message):
            self._said[topic] = kind or message
            warning(message)

    def recovered(self, topic: str, message: str) -> None:
        """Say that it is over, if there was a warning."""
        if self._said.pop(topic, None) is not None:
            info(message)


def _write(priority: int, message: str) -> None:
    with suppress(OSError, ValueError):  # a full disk or a closed stderr must not stop the agent
        prefix = f"<{priority}>" if _is_journal() else "firmtrail-agent: "
        print("\n".join(prefix + line for line in message.splitlines()), file=sys.stderr, flush=True)  # noqa: T201  this is the log


def _is_journal() -> bool:
    """Compare the device and inode that systemd names with those of stderr, which may be redirected."""
    status = os.fstat(2)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
