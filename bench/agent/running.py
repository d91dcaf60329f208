"""An agent process on a made-up device, and what Linux says of a process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu import PROC
from bench.errors import CannotMeasure

START_SECONDS = 30
#: where logs and runtime directories are on a device: in memory
_MEMORY = "/dev/shm"  # noqa: S108  TemporaryDirectory makes a safe one in it
#: without the modules that this workspace has installed and a device has not
PYTHON = [str(Path(sys.executable).resolve()), "-S"]
DEVICE_ID = uuid.UUID(int=1)
_API_KEY = f"{uuid.UUID(int=2)}:ftd_madeUpForTheBenchmark"


@dataclass(frozen=True)
class Ended:
    """What a program has used that ran to its end."""

    cpu_ms: float
    output: str


@dataclass(frozen=True)
class Process:
    """A process that runs, as Linux sees it."""

    pid: int

    def rss_mb(self) -> float:
        return _status(self.pid, "VmRSS") / 1024

    def cpu_ms(self) -> float:
        """The time that all of its threads have used."""
        tasks = (PROC / str(self.pid) / "task").glob("*/schedstat")
        return sum(int(file.read_text().split()[0]) for file in tasks) / 1e6

    def wakeups(self) -> int:
        tasks = (PROC / str(self.pid) / "task").iterdir()
        return sum(_status(self.pid, "voluntary_ctxt_switches", f"task/{task.name}/") for task in tasks)

    def disk_bytes(self) -> int:
        """What it has written to disks so far, in whole blocks; files in memory do not count."""
        lines = (PROC / str(self.pid) / "io").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


@dataclass(frozen=True)
class Agent(Process):
    """An agent that is ready."""

    folder: Path
    #: used until READY=1
    start_cpu_ms: float

    def report_now(self) -> None:
        os.kill(self.pid, signal.SIGUSR1)

    def written(self) -> set[tuple[Path, int, int, int]]:
        """The files that it keeps on the disk, so that two looks tell whether it has written."""
        kept = self.folder / "root/var/lib/firmtrail-agent"
        found = [(file, file.stat()) for file in [kept, *kept.rglob("*")]]
        return {(file, stat.st_ino, stat.st_mtime_ns, stat.st_size) for file, stat in found}

    def install(self, version: str) -> None:
        write(self.folder / "root/etc/version", version)


@asynccontextmanager
async def running(
    folder: Path, modules: Path, url: str, certificate: Path, how: Sequence[str] = ("-m", "firmtrail_agent")
) -> AsyncGenerator[Agent]:
    """Run an agent that reports to a server; it is ready, and has not reported yet."""
    _configure(folder, url)
    memory = tempfile.TemporaryDirectory(prefix="firmtrail-bench-", dir=_MEMORY)
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.bind(str(folder / "notify"))
    more = {"NOTIFY_SOCKET": str(folder / "notify"), "SSL_CERT_FILE": str(certificate)}
    more["RUNTIME_DIRECTORY"] = memory.name
    log = Path(memory.name) / "log"
    command = [*PYTHON, *how, "--root", str(folder / "root"), "run"]
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(*command, env=_alone(modules) | more, stdout=said, stderr=said)
    try:
        await _ready(ear)
        yield Agent(process.pid, folder, Process(process.pid).cpu_ms())
    finally:
        ear.close()
        if process.returncode is None:
            process.terminate()
            await process.wait()
        memory.cleanup()


async def _ready(ear: socket.socket) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not (await asyncio.get_running_loop().sock_recv(ear, 4096)).startswith(b"READY=1"):
                pass
    except TimeoutError:
        raise CannotMeasure("The agent did not start.") from None


async def exit_ms(agent: Process) -> float:
    """Tell it to stop, and say how long it takes."""
    began = time.monotonic()
    os.kill(agent.pid, signal.SIGTERM)
    while (PROC / str(agent.pid) / "exe").exists():  # noqa: ASYNC110  the kernel sets no event; a zombie has none
        await asyncio.sleep(0.002)
    return (time.monotonic() - began) * 1000


def lay_out(modules: Path) -> None:
    """Put the agent's modules where no others are, with bytecode, as its packages do."""
    subprocess.run([sys.executable, "tools/agent_tree.py", modules], check=True)
    how = ["-X", "no_debug_ranges", "-m", "compileall", "-q", "-o", "2", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*PYTHON, *how, modules], check=True)
    for file in modules.rglob("*.opt-2.pyc"):
        file.rename(file.with_name(file.name.replace(".opt-2", "")))


def run_to_the_end(command: Sequence[str | Path], modules: Path) -> Ended:
    """Run a program, and say what it has used and printed."""
    process = subprocess.Popen(command, env=_alone(modules), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise CannotMeasure(f"{command[0]} gave exit code {process.returncode}.")
    return Ended((used.ru_utime + used.ru_stime) * 1000, output)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _alone(modules: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FIRMTRAIL_", "PYTHON"))}
    return clean | {"PYTHONPATH": str(modules)}


def _configure(folder: Path, url: str) -> None:
    write(folder / "root/etc/version", "1.4.2")
    write(folder / "api-key", _API_KEY)
    (folder / "api-key").chmod(0o600)
    lines = ["[server]", f'url = "{url}"', "[device]", f'id = "{DEVICE_ID}"', f'key_file = "{folder / "api-key"}"']
    lines += [
        "[report]",
        "first_within_seconds = 300",
        "[[sources]]",
        'type = "file"',
        'component = "main"',
        'path = "/etc/version"',
    ]
    write(folder / "root/etc/firmtrail-agent/config.toml", "\n".join(lines))


def _status(pid: int, name: str, task: str = "") -> int:
    lines = (PROC / str(pid) / f"{task}status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
