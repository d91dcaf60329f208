"""Servers as child processes: started, waited for until they listen, stopped."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import CannotMeasure

_START_SECONDS = 60
_STOP_SECONDS = 30
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    url: str
    pid: int


@contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, patience: int = 1
) -> Generator[Server]:
    """Run a server for as long as the block lasts. It says its address on standard error, as they all do.

    `patience` is how many times longer than usual it may take to start and to stop.

    Raises:
        CannotMeasure: it ends, or says nothing.
    """
    process = subprocess.Popen(
        command,
        env=_clean_environment() | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C reaches us alone, and we stop it in order
    )
    try:
        yield Server(_address(process, command, patience * _START_SECONDS), process.pid)
    finally:
        _stop(process, patience * _STOP_SECONDS)


def _clean_environment() -> dict[str, str]:
    """Our environment without what would configure a server or a database client."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("FIRMTRAIL_", "PG"))}


def _address(process: subprocess.Popen[str], command: Sequence[str | Path], seconds: int) -> str:
    found: list[str] = []
    said: deque[str] = deque(maxlen=20)
    known = threading.Event()

    def read() -> None:
        assert process.stderr
        for line in process.stderr:  # to its end, so that the server never waits for a reader
            said.append(line)
            if match := _ADDRESS.search(line):
                found.append(match[0])
                known.set()
        known.set()

    threading.Thread(target=read, daemon=True).start()
    known.wait(seconds)
    if not found:
        raise CannotMeasure(f"{' '.join(map(str, command))} did not start. It said:\n{''.join(said)}")
    return found[0]


def _stop(process: subprocess.Popen[str], seconds: int) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
