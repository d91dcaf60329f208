"""Servers and databases that a test may break: processes of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import attrs
import pytest

from firmtrail_postgres import EmbeddedDatabase
from firmtrail_server.db.schema import migrate
from tests.postgres.conftest import FAST, is_running, postmaster_pid
from tests.server.server_process import ServerProcess, children

#: Starts a server on a database, or on a data directory.
Serve = Callable[..., ServerProcess]


@attrs.frozen
class Cluster:
    """A PostgreSQL of the test's own."""

    root: Path
    url: str

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        postmaster = postmaster_pid(self.root)
        for pid in (postmaster, *children(postmaster)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@pytest.fixture(scope="session")
def folder() -> Generator[Path]:
    """One that other users can enter, which pytest's own is not when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="firmtrail-faults-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="session")
def migrated_once(folder: Path) -> Path:
    root = folder / "migrated-once"
    with EmbeddedDatabase(root, settings=FAST) as url:
        migrate(url)
    return root


@pytest.fixture
def data_dir(folder: Path, migrated_once: Path) -> Generator[Path]:
    """A data directory with all tables in it: a copy, which is faster than making one."""
    root = Path(tempfile.mkdtemp(dir=folder)) / "data"
    root.parent.chmod(0o711)
    subprocess.run(["cp", "-a", migrated_once, root], check=True)
    yield root
    if is_running(root):
        with EmbeddedDatabase(root):
            pass
    shutil.rmtree(root.parent)  # at once, so that most of it never reaches the disk


@pytest.fixture
def cluster(data_dir: Path) -> Generator[Cluster]:
    database = EmbeddedDatabase(data_dir, settings=FAST)
    yield Cluster(data_dir, database.start())
    database.stop()


@pytest.fixture
def serve() -> Generator[Serve]:
    with ExitStack() as stack:

        def start(**environment: str) -> ServerProcess:
            server = ServerProcess("serve", **environment)
            stack.callback(server.kill)
            return server

        yield start
