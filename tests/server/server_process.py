"""`firmtrail-server` as a process of its own, as an operator runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from firmtrail_server.auth.signing_keys import new_signing_keys

TIMEOUT_SECONDS = 120
_SIGNING_KEYS = new_signing_keys().as_text()
_LISTENING = re.compile(r"listening on (http://[^\s\"]+)")


class ServerProcess:
    """A process that was started, and what it has said so far."""

    def __init__(self, *arguments: str, python: str = sys.executable, **environment: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "firmtrail_server", *arguments],
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self._url = Future[str]()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def url(self) -> str:
        """Wait until it listens, and return where."""
        return self._url.result(TIMEOUT_SECONDS)

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for its end."""
        code = self._process.wait(TIMEOUT_SECONDS)
        self._listener.join(TIMEOUT_SECONDS)
        return code

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        self._process.kill()
        self.exit_code()

    def _listen(self) -> None:
        """Read all it says as it says it: one whose pipe is full would stand still."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.said += line
                if found := _LISTENING.search(line):
                    self._url.set_result(found[1])
        if not self._url.done():
            self._url.set_exception(AssertionError(f"It ended by itself: {self.said}"))


@contextmanager
def serving(*, python: str = sys.executable, **environment: str) -> Generator[str]:
    """Serve until the block ends, with the server that this Python has; gives the URL."""
    server = ServerProcess("serve", python=python, **environment)
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


def children(pid: int) -> list[int]:
    """List the processes that a process has started, the oldest first."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE, text=True, check=False)
    return sorted(map(int, listed.stdout.split()))


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours, but of the server's settings these alone, with signing keys where a database of ours needs them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
    keys = {} if "FIRMTRAIL_SIGNING_KEYS_FILE" in settings else {"FIRMTRAIL_SIGNING_KEYS": _SIGNING_KEYS}
    needed = keys if "FIRMTRAIL_DATABASE_URL" in settings else {}
    return {**inherited, "FIRMTRAIL_PORT": "0", **needed, **settings}
