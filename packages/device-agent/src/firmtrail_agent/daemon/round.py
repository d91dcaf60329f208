"""A round of the daemon: observe, and send what may be sent. And what it goes by: the configuration and the API key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.credentials import CredentialRefused
from firmtrail_agent.config.settings import Settings, read_settings
from firmtrail_agent.daemon.health import Health
from firmtrail_agent.daemon.key_rotation import KeyRotation
from firmtrail_agent.daemon.schedule import Schedule, Trigger
from firmtrail_agent.report.record import record_of
from firmtrail_agent.report.results import results_of
from firmtrail_agent.report.statement import Statements
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import Failure, Trouble
from firmtrail_agent.server.uploader import Uploader
from firmtrail_agent.sources import read_all
from firmtrail_agent.state.device import Device
from firmtrail_agent.system import log
from firmtrail_agent.system.host import Host
from firmtrail_agent.validation.redact import one_line

if TYPE_CHECKING:
    from firmtrail import AgentStatement

T = TypeVar("T")


#: longer than all sources can take together, also on a slow device: each of them is given up before
READING_TIMEOUT_SECONDS = 180.0
_MISDIRECTED = {403, 404, 410}


class Rounds:
    """Does the daemon's work, one thing after the other."""

    def __init__(self, settings: Settings, host: Host, device: Device, schedule: Schedule, health: Health) -> None:
        self._host = host
        self._device = device
        self._schedule = schedule
        self._health = health
        self._rotation = KeyRotation(host, device, health)
        self._uploader = Uploader(settings, device, attempts=1)  # the schedule tries again
        #: not set while something is sent, or its answer kept
        self._is_settled = asyncio.Event()
        self._is_settled.set()
        self._statements = Statements()
        self._statement: AgentStatement | None = None
        #: writes to the disk one after the other; a slow one must not stop the event loop
        self._disk = ThreadPoolExecutor(1)

    @property
    def settings(self) -> Settings:
        """What the daemon goes by now."""
        return self._uploader.settings

    async def guarded(self, work: Awaitable[object]) -> None:
        """Let no error end the daemon."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  whatever it is, the next round may succeed
            self._schedule.failed()
            self._health.broke(error)
        else:
            self._health.went_well()

    async def observe(self) -> None:
        """Ask all sources, off the event loop since a broken disk may take its time, and keep what they say."""
        async with asyncio.timeout(READING_TIMEOUT_SECONDS):
            readings = await asyncio.to_thread(read_all, self.settings.configuration.sources, self._host.root)
        if record := record_of(readings, self._device.clocks):
            await self._on_disk(lambda: self._device.observations.add(record))
        now_ms = int(self._device.clocks.boot_time() * 1000)
        self._statement = self._statements.make(readings, self._device.observations.spool, now_ms)
        self._health.observed(results_of(readings, Delivery()), self._device.observations.spool)

    async def run(self) -> None:
        """Observe, then send all that is known, unless the server must not be asked yet."""
        await self.observe()
        if not self._schedule.may_send():
            return
        self._is_settled.clear()
        try:
            delivery = await self._delivered()
        finally:
            self._is_settled.set()
        reschedule(self._schedule, delivery)
        self._health.delivered(delivery, self._device.observations.spool, self._host.boot_time())
        if delivery.failure is None and await self._rotation.rotate_if_due(self.settings):
            await self.renew_credential()

    async def renew_credential(self) -> bool:
        """Read the API key again; say whether it is another one."""
        try:
            is_another = await self._uploader.renew_credential()
        except CredentialRefused as error:
            self._health.warn("credential", str(error))
            return False
        self._health.recovered("credential", "there is an API key again")
        if is_another and self._is_another_device():
            await self.reload()
        return is_another

    def _is_another_device(self) -> bool:
        """See whether the device was enrolled anew: the key that came with that is no key of the device from before."""
        with suppress(BadConfiguration):
            return self.settings.load().device_id != self.settings.configuration.device_id
        return False

    async def reload(self) -> None:
        """Take another configuration, whole or not at all."""
        try:
            settings = read_settings(self.settings.load, self.settings.environment)
        except (BadConfiguration, CredentialRefused) as error:
            log.error("the configuration stays as it was:", *str(error).splitlines())
            return
        log.info("the configuration was read again")
        await self._uploader.take(settings)
        await self._on_disk(lambda: self._device.belong_to(settings.configuration.device_id))
        self._schedule.configure(interval_seconds=settings.configuration.interval_seconds)
        self._schedule.request(Trigger.SETTINGS)

    async def settle(self, seconds: float) -> None:
        """Wait for an answer that is on its way: without it, the same records would be sent again after the start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_settled.wait()

    async def persist(self) -> None:
        """Write down what is in memory alone."""
        await self._on_disk(self._device.observations.spool.persist)

    async def close(self) -> None:
        """End the connections to the server."""
        await self._uploader.close()

    async def _delivered(self) -> Delivery:
        try:
            delivery = await self._uploader.send(self._schedule.interval_seconds, self._statement)
        except BadConfiguration as error:  # it was good when it was read; the next try may find it good again
            return Delivery(failure=Failure(trouble=Trouble.NOT_REACHABLE, message=one_line(str(error))))
        if record := delivery.record:
            await self._on_disk(lambda: self._device.observations.reported(record))
        return delivery

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


def reschedule(schedule: Schedule, delivery: Delivery) -> None:
    """Let what became of a delivery decide when the next one is."""
    failure = delivery.failure
    if failure is None:
        schedule.succeeded(next_report_in_seconds=delivery.next_report_in_seconds, resync=delivery.resync)
    elif failure.trouble is Trouble.TEMPORARY:
        schedule.failed(retry_after_seconds=failure.retry_after_seconds)
    elif failure.status in _MISDIRECTED:
        schedule.misdirected()
    elif failure.trouble is Trouble.CREDENTIALS:
        schedule.refused()
    else:
        schedule.failed(retry_after_seconds=failure.retry_after_seconds)
