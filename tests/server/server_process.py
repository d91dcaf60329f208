"""The server as an operator runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

_SAYS = "firmtrail-server: listening on "


def environment(**settings: str) -> dict[str, str]:
    """Ours, but of the server's settings these alone."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRMTRAIL_")}
    return inherited | {"FIRMTRAIL_PORT": "0", **settings}


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the server that ends by itself."""
    command = [sys.executable, "-m", "firmtrail_server", *arguments]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def serving(settings: Mapping[str, str]) -> Generator[str]:
    """Serve until the block ends; gives the URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "firmtrail_server", "serve"],
        env=environment(**settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            said = iter(process.stderr.readline, "")
            yield next(line.removeprefix(_SAYS).strip() for line in said if line.startswith(_SAYS))
        finally:
            process.terminate()
            process.communicate(timeout=60)
