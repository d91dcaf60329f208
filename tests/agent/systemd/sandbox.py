"""A real systemd as the first process of its own namespaces, with our units; the machine's own is left alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = HERE.parents[2] / "packages"
UNITS = PACKAGES / "device-agent/systemd"
_PROGRAM = """#!/bin/sh
export LD_LIBRARY_PATH=/opt/python/lib
export PYTHONHOME=/opt/python PYTHONPATH=/opt/packages/1:/opt/packages/2:/opt/packages/3:/opt/packages/4
exec {python} {arguments} "$@"
"""
_PROGRAMS = {"firmtrail-agent": "-m firmtrail_agent", "agents-python": "-c"}
_PATIENCE_SECONDS = 20
_CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def missing() -> str | None:
    """Say why there can be no sandbox on this machine; None: there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "namespaces, mounts and control groups need root on Linux"
    for program in ("/lib/systemd/systemd", "unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    if _cgroups() is None:
        return "there is no control group v2 that can be written"
    tried = subprocess.run(
        ["unshare", "--fork", "--pid", "--mount", "--cgroup", "--net", "true"], capture_output=True, check=False
    )
    return f"unshare: {tried.stderr.decode().strip()}" if tried.returncode else None


class Sandbox:
    """`root` is its file system, seen from outside."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.root = Path(f"/proc/{pid}/root")

    def run(self, *command: str, check: bool = True, given: str | bytes = "") -> str:
        """Run a program inside and give what it prints."""
        content = given.encode() if isinstance(given, str) else given
        done = subprocess.run(
            self._inside(command),
            env=_CLEAN,
            input=content,
            capture_output=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stderr.decode()}{self.journal()}"
        return done.stdout.decode().strip()

    def start_inside(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program that stays this process's own child, so that it can be killed: nsenter would fork it."""
        return subprocess.Popen(self._inside(("--no-fork", *command)), env=_CLEAN, stdout=subprocess.PIPE)

    def start_beside(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program of this machine that has nothing of the sandbox but its network."""
        beside = ["nsenter", "-t", str(self._pid), "--net", *command]
        return subprocess.Popen(beside, cwd=PACKAGES.parent, stdout=subprocess.PIPE, bufsize=0)

    def _inside(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", "-t", str(self._pid), "-a", *command]

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)

    def property(self, name: str, unit: str = "firmtrail-agent.service") -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit)

    def until(self, name: str, value: str, unit: str = "firmtrail-agent.service") -> None:
        """Wait for a property of a unit, which systemd tells nobody by itself."""
        self.wait_for(lambda: self.property(name, unit) == value, f"{name}={value}")

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < ends, f"not in time: {what}; {self.journal()}"
            time.sleep(0.05)

    def journal(self) -> str:
        return self.run("journalctl", "--output=cat", "--no-pager", "-u", "firmtrail-agent.service", check=False)


def agent_of_the_checkout(tree: Path) -> None:
    """Lay out the units and the agent as they are here, without a package."""
    shutil.copytree(UNITS, tree / "etc/systemd/system")
    binaries = tree / "usr/bin"
    binaries.mkdir(parents=True)
    python = Path("/opt/python") / Path(sys.executable).resolve().relative_to(sys.base_prefix)
    for name, arguments in _PROGRAMS.items():
        (binaries / name).write_text(_PROGRAM.format(python=python, arguments=arguments))
        (binaries / name).chmod(0o755)


@contextmanager
def booted(lay_out: Callable[[Path], None]) -> Generator[Sandbox]:
    """Boot it; it is gone afterwards with all that ran in it. `lay_out` fills the directory that lies over its root."""
    cgroup = _cgroups()
    assert cgroup is not None
    own = cgroup / f"firmtrail-sandbox-{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        environment = _environment(Path(folder), own)
        process = subprocess.Popen([str(HERE / "start.sh")], env=environment, stdout=subprocess.DEVNULL)
        try:
            yield _ready(process)
        finally:
            process.kill()
            process.wait()
            _remove(own)


def _environment(tree: Path, cgroup: Path) -> dict[str, str]:
    sources = [PACKAGES / name / "src" for name in ("device-agent", "sdk", "contract")]
    packages = [*sources, Path(sysconfig.get_path("purelib"))]
    return {
        "PATH": os.environ["PATH"],
        "TREE": str(tree),
        "CGROUP": str(cgroup),
        "PYTHON": sys.base_prefix,
        "PACKAGES": " ".join(map(str, packages)),
    }


def _ready(process: subprocess.Popen[bytes]) -> Sandbox:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    ends = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        if inner := children.read_text().split():
            sandbox = Sandbox(int(inner[0]))
            if sandbox.run("systemctl", "is-system-running", "--wait", check=False) in {"running", "degraded"}:
                return sandbox
        time.sleep(0.05)
    raise AssertionError(f"systemd did not boot: {process.poll()}")


def _remove(cgroup: Path) -> None:
    """Take the groups away, as soon as what was in them has ended."""
    ends = time.monotonic() + _PATIENCE_SECONDS
    while "populated 1" in (cgroup / "cgroup.events").read_text() and time.monotonic() < ends:
        time.sleep(0.02)
    for directory in sorted(cgroup.rglob("*/"), reverse=True):
        directory.rmdir()
    cgroup.rmdir()


def _cgroups() -> Path | None:
    """The tree of control groups v2: on a hybrid machine it lies in a corner of its own."""
    for place in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (place / "cgroup.procs").exists() and os.access(place, os.W_OK):
            return place
    return None
