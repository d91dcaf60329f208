"""`firmtrail-server` as a process of its own, as an operator runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from firmtrail_server.signing_keys import new_signing_keys

TIMEOUT_SECONDS = 120
_SIGNING_KEYS = new_signing_keys().as_text()
_LISTENING = "firmtrail-server: listening on "


class ServerProcess:
    """A process that was started, and what it has said so far."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmtrail_server", *arguments],
            env=_environment(environment),
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


@contextmanager
def serving(**environment: str) -> Generator[str]:
    """Serve until the block ends; gives the URL."""
    server = ServerProcess("serve", **environment)
    try:
        yield server.url()
    finally:
        server.stop()


def run(*arguments: str, told: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself; `told` is its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "firmtrail_server", *arguments],
        env=_environment(environment),
        input=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, but of the server's settings these alone, with signing keys where a database of ours needs them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
    keys = {} if "FIRMTRAIL_SIGNING_KEYS_FILE" in settings else {"FIRMTRAIL_SIGNING_KEYS": _SIGNING_KEYS}
    needed = keys if "FIRMTRAIL_DATABASE_URL" in settings else {}
    return {**inherited, "FIRMTRAIL_PORT": "0", **needed, **settings}
