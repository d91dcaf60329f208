"""The daemon: reports now and then, for ever, until it is told to stop. No error ends it."""

from __future__ import annotations

import asyncio
import random as randomness
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail_agent import credentials, log, reporting
from firmtrail_agent.configuration import Configuration
from firmtrail_agent.credentials import Credential, CredentialRefused
from firmtrail_agent.news import News
from firmtrail_agent.reporting import Failure, Trouble
from firmtrail_agent.schedule import Schedule
from firmtrail_agent.systemd import Notifier, watchdog_seconds

if TYPE_CHECKING:  # see reporting.py
    from firmtrail import AsyncClient

#: longer than all attempts of all components should take together
ROUND_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 1.0
_NOT_SELF_MENDING = {Trouble.CREDENTIALS, Trouble.CONFIGURATION}


def boot_time() -> float:
    """Count seconds also while the device is suspended, whatever happens to its wall clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@attrs.frozen(kw_only=True)
class Surroundings:
    """What the daemon touches beside the network; a test brings its own."""

    environment: Mapping[str, str]
    root: Path = Path("/")
    clock: Callable[[], float] = boot_time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: randomness.Random = attrs.field(factory=randomness.SystemRandom)


class Agent:
    """Everything that one running daemon knows."""

    def __init__(self, configuration: Configuration, credential: Credential, surroundings: Surroundings) -> None:
        self._configuration = configuration
        self._credential = credential
        self._surroundings = surroundings
        self._notifier = Notifier(surroundings.environment)
        self._log = log.OnChange()
        self._news = News(self._log, self._notifier)
        self._schedule = Schedule(
            interval_seconds=configuration.interval_seconds,
            first_within_seconds=configuration.first_within_seconds,
            clock=surroundings.clock,
            random=surroundings.random,
        )

    async def run(self) -> None:
        """Report until SIGTERM or SIGINT. It is ready before it has seen the network."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._notifier.send("READY=1")
        self._news.waits(self._schedule.seconds_left())
        tasks = [
            asyncio.create_task(self._report_forever(), name="reports"),
            asyncio.create_task(self._ping_forever(), name="watchdog"),
        ]
        await stop.wait()
        self._notifier.send("STOPPING=1")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_TIMEOUT_SECONDS)  # no TaskGroup: it would wait for what hangs

    async def _ping_forever(self) -> None:
        """Show systemd that the event loop lives, which says nothing about the server."""
        if (seconds := watchdog_seconds(self._surroundings.environment)) is None:
            return
        while True:
            self._notifier.send("WATCHDOG=1")
            await asyncio.sleep(seconds)

    async def _report_forever(self) -> None:
        while True:
            await self._until_due()
            try:
                async with reporting.open_client(self._configuration, self._credential) as client:
                    await self._report_until_the_key_changes(client)
            except Exception as error:  # noqa: BLE001  whatever it is, the next report may succeed
                self._schedule.failed()
                self._news.broke(error, next_in_seconds=self._schedule.seconds_left())

    async def _until_due(self) -> None:
        while (seconds := self._schedule.next_sleep()) > 0:
            await self._surroundings.sleep(seconds)

    async def _report_until_the_key_changes(self, client: AsyncClient) -> None:
        while True:
            await self._until_due()
            self._schedule.started()
            async with asyncio.timeout(ROUND_TIMEOUT_SECONDS):
                results = await reporting.report_round(client, self._configuration, self._surroundings.root)
            failure = reporting.gravest(results)
            if failure and failure.trouble is Trouble.CREDENTIALS and self._has_another_key():
                self._schedule.at_once()
                return
            self._reschedule(failure)
            self._news.tell(results, failure, next_in_seconds=self._schedule.seconds_left())

    def _has_another_key(self) -> bool:
        """Read the credential again; a key that was rotated has new text in the same place."""
        try:
            credential = credentials.load(self._configuration.key_file, self._surroundings.environment)
        except CredentialRefused as error:
            self._log.warning("credential", str(error))
            return False
        changed = credential.api_key != self._credential.api_key
        self._credential = credential
        return changed

    def _reschedule(self, failure: Failure | None) -> None:
        if failure is None or failure.trouble is Trouble.REJECTED:
            self._schedule.succeeded()
        elif failure.trouble in _NOT_SELF_MENDING:
            self._schedule.refused()
        else:
            self._schedule.failed(retry_after_seconds=failure.retry_after_seconds)
