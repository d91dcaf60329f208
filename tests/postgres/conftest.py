"""Data directories that PostgreSQL's user can reach, and other processes that use them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

import firmtrail_postgres
from firmtrail_postgres import EmbeddedDatabase, find_bin_dir
from firmtrail_postgres.locks import is_held
from firmtrail_postgres.postmaster import read_pid_file

#: The operating system outlives the processes that are killed here, so nothing needs to reach the disk.
FAST = {"fsync": "off"}
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")

_SCRIPT = Path(__file__).with_name("user_process.py")


@attrs.frozen
class UserProcess:
    """Another process that uses the database; it leaves when its standard input ends."""

    process: subprocess.Popen[str]

    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def interrupt(self) -> str:
        self.process.send_signal(signal.SIGINT)
        return self.leave()

    def leave(self) -> str:
        """Let it leave; return the last thing it said: "stopped", "left", or an error."""
        said, _ = self.process.communicate(timeout=60)
        return said.strip().splitlines()[-1]


#: Starts a UserProcess on a data directory.
StartUser = Callable[[Path], UserProcess]


@attrs.frozen
class Unprivileged:
    """A user without privileges: ourselves, or nobody if we are root."""

    python: str
    bin_dir: Path
    home: Path
    #: for subprocess.run
    options: dict[str, Any]

    def use(self, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Start and stop the database as this user."""
        return subprocess.run(
            [self.python, str(self.home / _SCRIPT.name), str(root), str(self.bin_dir)],
            **self.options,
            env={"PYTHONPATH": str(self.home), "PATH": os.environ["PATH"], **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def postmaster_pid(root: Path) -> int:
    (data,) = root.glob("pgdata-*")
    running = read_pid_file(data)
    assert running is not None
    return running.pid


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be buried by its parent does not, unless threads of it are left.

    Those keep its sockets open.
    """
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False).stdout
    return state.strip()[:1] not in {"", "Z"} or "l" in state


def is_running(root: Path) -> bool:
    lock = root / "server.lock"
    return lock.exists() and is_held(lock)


@pytest.fixture(scope="session")
def open_directory() -> Generator[Path]:
    """A directory that other users can enter, which pytest's own are not when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="embedded-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture(scope="session")
def made_once(open_directory: Path) -> Path:
    root = open_directory / "made-once"
    with EmbeddedDatabase(root, settings=FAST):
        pass
    return root


@pytest.fixture
def made_root(root: Path, made_once: Path) -> Path:
    """A data directory with a stopped database in it: a copy, which is faster than making one."""
    subprocess.run(["cp", "-a", made_once, root], check=True)
    return root


@pytest.fixture
def root(open_directory: Path) -> Generator[Path]:
    """A data directory, not yet made; what a test leaves running there is stopped, and all of it removed."""
    root = Path(tempfile.mkdtemp(dir=open_directory)) / "data"
    root.parent.chmod(0o711)
    yield root
    if is_running(root):
        with EmbeddedDatabase(root):
            pass
    shutil.rmtree(root.parent)  # at once, so that most of it never reaches the disk


@pytest.fixture
def start_user(root: Path) -> Generator[StartUser]:
    """Start other processes that use the database."""
    with ExitStack() as stack:

        def start(directory: Path) -> UserProcess:
            process = subprocess.Popen(
                [sys.executable, _SCRIPT, directory],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return UserProcess(process)

        yield start


@pytest.fixture(scope="session")
def unprivileged(open_directory: Path) -> Unprivileged:
    """Our package and an interpreter where a user without privileges can reach them."""
    home = Path(tempfile.mkdtemp(dir=open_directory))
    package = Path(firmtrail_postgres.__file__).parent
    shutil.copytree(package, home / package.name)
    shutil.copy(_SCRIPT, home)
    for path in (home, *home.rglob("*")):
        path.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    options: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if IS_ROOT else {}
    return Unprivileged(_reachable_python(options), find_bin_dir(), home, options)


def _reachable_python(options: dict[str, Any]) -> str:
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", check], **options, cwd="/", text=True, check=False).returncode == 0:
                return python
        except OSError:  # closed to this user, or not there
            continue
    pytest.skip("no Python 3.11 that a user without privileges can reach")
