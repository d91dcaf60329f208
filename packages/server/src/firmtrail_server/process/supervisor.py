"""Several workers on one port: a parent that starts them, replaces those that die, and stops them in order.

A worker is a fresh process that serves as the only one would. It reads its settings as the parent did, from the
environment (which other users cannot read, unlike arguments), so that it finds a secret that was replaced. It is given
the parent's sockets, which keep the port and beside which it listens on its own, two files of no name (what all of them
count, and who has failed), and a leash: a pipe that ends when the parent does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from firmtrail_server.auth.failure_counts import FailureMemory, lay_out
from firmtrail_server.process.serving import serve
from firmtrail_server.process.signals import ended_by_signals
from firmtrail_server.process.sockets import beside
from firmtrail_server.settings import Settings, SettingsReader
from firmtrail_server.telemetry.metrics import Board, Metrics, board_bytes

logger = logging.getLogger(__name__)

#: the pause before a worker is replaced: none after a long life, else twice the one before
_LONG_LIFE_SECONDS = 60
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
#: longer than a worker takes to answer what it accepted
_STOP_TIMEOUT_SECONDS = 30
_READY = b"ready\n"


class NoWorkerStarts(Exception):
    """The first worker ended before it served. It has said why itself, unless a signal ended it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"A worker was ended by signal {-exit_code} before it served.")
        self.exit_code = exit_code


async def supervise(
    settings: Settings,
    decided: Mapping[str, str],
    sockets: Sequence[socket.socket],
    ready: Callable[[], None],
) -> None:
    """Keep `settings.workers` workers until SIGINT or SIGTERM, and say when the first one is ready.

    `decided` are variables that they could not read as we did.

    Once one has served, what keeps others from starting is taken for a trouble that passes, as a lost database is.

    Raises:
        NoWorkerStarts: none has ever served.
    """
    with ended_by_signals(), _shared_memory("counts") as counts, _shared_memory("failures") as failures:
        counts.truncate(board_bytes(settings.workers))
        lay_out(failures.fileno(), settings.workers)
        workers = _Workers(sockets, [counts.fileno(), failures.fileno()], settings, decided)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(workers.keep(1), name="worker 1")
                await workers.first_is_ready.wait()
                ready()
                for number in range(2, settings.workers + 1):
                    group.create_task(workers.keep(number), name=f"worker {number}")
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None


async def work(
    settings: Settings,
    reader: SettingsReader,
    reserved: Sequence[socket.socket],
    metrics: Metrics,
    failures: FailureMemory,
) -> None:
    """Serve as one of several workers, until a signal or the end of the parent; raises what `serve` raises."""
    loop, leash = asyncio.get_running_loop(), sys.stdin.fileno()

    def let_loose() -> None:
        loop.remove_reader(leash)
        signal.raise_signal(signal.SIGTERM)

    def say_ready() -> None:
        os.write(sys.stdout.fileno(), _READY)

    loop.add_reader(leash, let_loose)
    assert settings.database_url is not None
    sockets = [beside(one) for one in reserved]
    url = settings.database_url
    await serve(settings, url, sockets, say_ready, metrics=metrics, failures=failures, reader=reader)


def _shared_memory(name: str) -> IO[bytes]:
    """A file that lies in memory where it can: a disk that is full must not end the workers that count in it."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create(f"firmtrail-{name}"), "r+b")
    return tempfile.TemporaryFile()


class _Workers:
    def __init__(
        self, sockets: Sequence[socket.socket], memory: Sequence[int], settings: Settings, decided: Mapping[str, str]
    ) -> None:
        self._descriptors = [*memory, *[one.fileno() for one in sockets]]
        self._board = Board(settings.workers, memory[0])
        self._environment = _environment(settings, decided)
        self.first_is_ready = asyncio.Event()

    async def keep(self, number: int) -> None:
        """Run a worker, and another one in its place whenever it ends."""
        pause = 0.0
        while True:
            started_at = time.monotonic()
            exit_code = await self._run(number)
            has_lived = time.monotonic() - started_at > _LONG_LIFE_SECONDS
            pause = 0 if has_lived else min(2 * pause or _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
            logger.error("worker %d ended with %d; another one follows in %.1f s", number, exit_code, pause)
            await asyncio.sleep(pause)

    async def _run(self, number: int) -> int:
        process = await self._start(number)
        try:
            assert process.stdout is not None
            if await process.stdout.readline() == _READY:
                self.first_is_ready.set()
            exit_code = await process.wait()
            if not self.first_is_ready.is_set():
                raise NoWorkerStarts(exit_code)
            return exit_code
        finally:
            await _stop(process)
            self._board.vacate(number)

    async def _start(self, number: int) -> Process:
        command = [sys.executable, "-P", "-m", "firmtrail_server", "worker", str(number), *map(str, self._descriptors)]
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, pass_fds=self._descriptors, env=self._environment
        )


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment(settings: Settings, decided: Mapping[str, str]) -> dict[str, str]:
    """Ours, with what the command line has said, and what was decided here."""
    files = {f"{name}_FILE" for name in decided}
    inherited = {name: value for name, value in os.environ.items() if name not in files}
    return {
        **inherited,
        **decided,
        "FIRMTRAIL_HOST": settings.host,
        "FIRMTRAIL_PORT": str(settings.port),
        "FIRMTRAIL_WORKERS": str(settings.workers),
    }
