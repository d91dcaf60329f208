"""The daemon: it lives until it is told to stop, and notices what calls for a round."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

from firmtrail_agent.config.settings import Settings
from firmtrail_agent.daemon.health import Health
from firmtrail_agent.daemon.round import Rounds
from firmtrail_agent.daemon.schedule import Schedule, Trigger
from firmtrail_agent.sources import watched_files
from firmtrail_agent.state.device import open_device
from firmtrail_agent.system import directories, log
from firmtrail_agent.system.boot import UNTOLD
from firmtrail_agent.system.host import Host
from firmtrail_agent.system.inotify import Watcher
from firmtrail_agent.system.log import OnChange
from firmtrail_agent.system.sd_notify import Notifier, watchdog_seconds

#: for what is in the middle of something, and then once more for the disk
STOP_TIMEOUT_SECONDS = 0.75
#: before that, for an answer that is on its way
ANSWER_TIMEOUT_SECONDS = 0.25


class Agent:
    """One running daemon.

    Raises:
        InUse: another one runs.
    """

    def __init__(self, settings: Settings, host: Host) -> None:
        self._host = host
        runtime = directories.runtime(host.environment, host.root)
        self._device = open_device(host, settings.configuration.device_id)
        self._runtime_lock = directories.hold(runtime)
        self._notifier = Notifier(host.environment)
        self._health = Health(OnChange(host.boot_time), self._notifier, runtime)
        self._schedule = Schedule(
            interval_seconds=settings.configuration.interval_seconds,
            first_within_seconds=settings.configuration.first_within_seconds,
            is_new_boot=self._device.boot.is_new,
            clock=host.boot_time,
            random=host.random,
        )
        self._rounds = Rounds(settings, host, self._device, self._schedule, self._health)
        self._wake = asyncio.Event()
        self._has_changed = self._reload_asked = False
        self._watcher = self._watch()

    async def run(self) -> None:
        """Report until SIGTERM or SIGINT. It is ready before it has seen the network."""
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._ask_for_reload)
        loop.add_signal_handler(signal.SIGUSR1, self._ask_for_round)
        self._listen()
        self._notifier.send("READY=1")
        self._health.opened(self._device.observations.spool)
        if not self._device.boot.is_told:
            log.warning(f"{UNTOLD}; doctor says what mends it")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        work = asyncio.create_task(self._work_forever(), name="rounds")
        pings = asyncio.create_task(self._ping_forever(), name="watchdog")
        await asyncio.wait([stopped, work], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()  # raises: an agent that works no more must not look as if it lived
        self._notifier.send("STOPPING=1")
        await self._rounds.settle(ANSWER_TIMEOUT_SECONDS)
        for task in (work, pings):
            task.cancel()
        await asyncio.wait([work, pings], timeout=STOP_TIMEOUT_SECONDS)  # no TaskGroup: it would wait for what hangs
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                await self._rounds.persist()
                await self._rounds.close()
        self._health.stopped(self._device.observations.spool)
        self._deafen()
        self._device.close()
        if self._runtime_lock is not None:
            os.close(self._runtime_lock)

    async def _ping_forever(self) -> None:
        """Show systemd that the event loop lives, which says nothing about the server."""
        if (seconds := watchdog_seconds(self._host.environment)) is None:
            return
        while True:
            self._notifier.send("WATCHDOG=1")
            await asyncio.sleep(seconds)

    async def _work_forever(self) -> None:
        # a version that fails may be gone, and the one before it back, before the first report is due
        await self._rounds.guarded(self._rounds.observe())
        while True:
            await self._until_due()
            self._schedule.started()
            await self._rounds.guarded(self._rounds.run())

    async def _until_due(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._look_around()
            except Exception as error:  # noqa: BLE001  whatever it is, it must not keep the next round from coming
                self._health.broke(error)
            self._health.refresh(
                now=self._host.boot_time(),
                next_round=self._schedule.next_due(),
                next_send=self._schedule.next_send(),
            )
            if not self._schedule.seconds_left():
                return
            await self._host.pause(self._schedule.next_sleep(), self._wake)

    async def _look_around(self) -> None:
        """See what has happened on the device since the last time."""
        if self._reload_asked:
            self._reload_asked = False
            await self._reload()
        if self._device.clocks.jumped():
            self._schedule.request(Trigger.CLOCK)
        if self._has_changed:
            self._has_changed = False
            self._watch_anew()  # what was watched may lie in another directory now
            if await self._rounds.renew_credential():
                self._schedule.request(Trigger.SETTINGS)
            else:
                self._schedule.request(Trigger.CHANGE)

    async def _reload(self) -> None:
        usec = int(self._host.monotonic() * 1_000_000)
        self._notifier.send(f"RELOADING=1\nMONOTONIC_USEC={usec}")
        await self._rounds.reload()
        self._watch_anew()
        self._notifier.send("READY=1")

    def _watch_anew(self) -> None:
        self._deafen()
        self._watcher = self._watch()
        self._listen()

    def _watch(self) -> Watcher:
        settings = self._rounds.settings
        files = watched_files.paths(settings.configuration.sources, self._host.root)
        return Watcher([*files, settings.credential.file])

    def _listen(self) -> None:
        if (descriptor := self._watcher.fileno()) is not None:
            asyncio.get_running_loop().add_reader(descriptor, self._something_changed)

    def _deafen(self) -> None:
        if (descriptor := self._watcher.fileno()) is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
        self._watcher.close()

    def _something_changed(self) -> None:
        if self._watcher.changed():
            self._has_changed = True
            self._wake.set()

    def _ask_for_reload(self) -> None:
        self._reload_asked = True
        self._wake.set()

    def _ask_for_round(self) -> None:
        self._schedule.request(Trigger.MANUAL)
        self._wake.set()
