"""`firmtrail-server` as a process of its own, as an operator runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

TIMEOUT_SECONDS = 120
_LISTENING = "firmtrail-server: listening on "


class ServerProcess:
    """A process that was started, and what it has said so far."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmtrail_server", *arguments],
            env={**inherited, "FIRMTRAIL_PORT": "0", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""

    def url(self) -> str:
        """Wait until it listens, and return where."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said += line
            if line.startswith(_LISTENING):
                return line.removeprefix(_LISTENING).strip()
        raise AssertionError(f"It ended by itself: {self.said}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end."""
        _, rest = self._process.communicate(timeout=TIMEOUT_SECONDS)
        self.said += rest
        return self._process.returncode

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()
