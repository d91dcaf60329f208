"""A real server as a child process: started, waited for, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 30
_LISTENING = "firmtrail-server: listening on "
#: exit codes with which the server ends after one sentence that says it all
_EXPLAINED = {2, 69, 70, 78}


class ServerStopped(Exception):
    """The server did not start, or ended by itself; the message holds its own last words."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Server:
    """The process, and a thread that reads what it says."""

    def __init__(self, data_dir: Path, port: str) -> None:
        self.url = ""
        self._last_lines: deque[str] = deque(maxlen=20)
        self._said_something = threading.Event()
        # A process group of its own: Ctrl-C in the terminal reaches us alone, and we stop it in order.
        self._process = subprocess.Popen(
            [program("firmtrail-server"), "serve", "--data-dir", data_dir, "--port", port, "--host", "127.0.0.1"],
            env={**os.environ, "FIRMTRAIL_SEED_ENABLED": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_listening(self) -> None:
        """Return when `url` answers.

        Raises:
            ServerStopped: it ended instead, or says nothing.
        """
        if not self._said_something.wait(START_TIMEOUT_SECONDS):
            raise ServerStopped(f"The server did not start in {START_TIMEOUT_SECONDS} s. {self._last_words()}", 1)
        if not self.url:
            self.wait()

    def wait(self) -> None:
        """Wait until it ends by itself, which it should not.

        Raises:
            ServerStopped: always, in the end.
        """
        exit_code = self._process.wait()
        self._reader.join(timeout=1)
        if exit_code in _EXPLAINED and self._last_lines:
            raise ServerStopped(self._last_lines[-1].removeprefix("firmtrail-server: "), exit_code)
        raise ServerStopped(f"The server ended with exit code {exit_code}. {self._last_words()}", 1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=1)

    def _last_words(self) -> str:
        return "\n".join(["It last said:", *self._last_lines]) if self._last_lines else "It said nothing."

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last_lines.append(line.rstrip())
            if self.url:
                sys.stderr.write(line)  # a warning or an error: while the demo runs it belongs on the screen
            elif line.startswith(_LISTENING):
                self.url = line.removeprefix(_LISTENING).strip()
                self._said_something.set()
        self._said_something.set()


@contextmanager
def running_server(data_dir: Path, port: str) -> Generator[Server]:
    """Run a server for as long as the block lasts.

    Raises:
        ServerStopped: it did not start.
    """
    server = Server(data_dir, port)
    try:
        server.wait_until_listening()
        yield server
    finally:
        server.stop()


def program(name: str) -> str:
    """Find a command of this workspace beside the Python that runs us."""
    return str(Path(sys.executable).with_name(name))
