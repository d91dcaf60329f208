"""A round of the daemon: observe, and send what may be sent. And what it goes by: the configuration and the API key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs

from firmtrail_agent import log
from firmtrail_agent.clients import open_client
from firmtrail_agent.configuration import Auth, BadConfiguration, Server
from firmtrail_agent.credentials import CredentialRefused
from firmtrail_agent.device import Device
from firmtrail_agent.failures import Failure, Trouble
from firmtrail_agent.news import News
from firmtrail_agent.reporting import Delivery, deliver, record_of, results_of
from firmtrail_agent.rotation import Rotation
from firmtrail_agent.schedule import Schedule, Trigger
from firmtrail_agent.settings import Settings, read_credential, read_settings
from firmtrail_agent.sources import read_all
from firmtrail_agent.surroundings import Surroundings
from firmtrail_agent.texts import one_line

if TYPE_CHECKING:
    from firmtrail import AsyncClient

T = TypeVar("T")


#: longer than all sources can take together, also on a slow device: each of them is given up before
READING_TIMEOUT_SECONDS = 180.0
#: the report of a boot or the one that gets through, the heartbeat that may come right after it, and one more: what
#: keeps a herd of devices within its budget
_ARRIVED_BEFORE_A_TOKEN = 3
_MISDIRECTED = {403, 404, 410}


class Rounds:
    """Does the daemon's work, one thing after the other."""

    def __init__(
        self, settings: Settings, around: Surroundings, device: Device, schedule: Schedule, news: News
    ) -> None:
        self.settings = settings
        self._around = around
        self._device = device
        self._schedule = schedule
        self._news = news
        self._rotation = Rotation(around, device, news)
        self._client: AsyncClient | None = None
        #: reports that arrived since the start, or since the last one that did not
        self._arrived = 0
        #: what the files were that it was made of
        self._files: object = None
        #: writes to the disk one after the other; a slow one must not stop the event loop
        self._disk = ThreadPoolExecutor(1)

    async def guarded(self, work: Awaitable[object]) -> None:
        """Let no error end the daemon."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  whatever it is, the next round may succeed
            self._schedule.failed()
            self._news.broke(error)
        else:
            self._news.went_well()

    async def observe(self) -> None:
        """Ask all sources, off the event loop since a broken disk may take its time, and keep what they say."""
        async with asyncio.timeout(READING_TIMEOUT_SECONDS):
            readings = await asyncio.to_thread(read_all, self.settings.configuration.sources, self._around.root)
        if record := record_of(readings, self._device.clocks):
            await self._on_disk(lambda: self._device.observed.add(record))
        self._news.observed(results_of(readings, Delivery()), self._device.observed.spool)

    async def run(self) -> None:
        """Observe, then send all that is known, unless the server must not be asked yet."""
        await self.observe()
        if not self._schedule.may_send():
            return
        delivery = await self._deliver()
        if delivery.failure and delivery.failure.refuses_the_key:
            await self.close()
            await self.renew_credential()
            await self._settle_key()
            delivery = await self._deliver()
        reschedule(self._schedule, delivery)
        self._news.delivered(delivery, self._device.observed.spool, self._around.boot_time())
        if delivery.failure is None and await self._rotation.rotate_if_due(self.settings):
            await self.renew_credential()

    async def renew_credential(self) -> bool:
        """Read the API key again; say whether it is another one."""
        try:
            credential = read_credential(self.settings.configuration, self.settings.environment)
        except CredentialRefused as error:
            self._news.warn("credential", str(error))
            return False
        self._news.recovered("credential", "there is an API key again")
        if credential == self.settings.credential:
            return False
        await self._take(attrs.evolve(self.settings, credential=credential))
        return True

    async def _settle_key(self) -> None:
        """Take, of two keys that an interrupted rotation has left, the one that works."""
        from firmtrail_agent import enrollment  # noqa: PLC0415  needed once in a while

        if credential := await enrollment.working_key(self.settings.configuration, self.settings.credential):
            await self._take(attrs.evolve(self.settings, credential=credential))

    async def reload(self) -> None:
        """Take another configuration, whole or not at all."""
        try:
            settings = read_settings(self.settings.load, self.settings.environment)
        except (BadConfiguration, CredentialRefused) as error:
            log.error("the configuration stays as it was:", *str(error).splitlines())
            return
        log.info("the configuration was read again")
        await self._take(settings)
        self._schedule.configure(interval_seconds=settings.configuration.interval_seconds)
        self._schedule.request(Trigger.SETTINGS)

    async def _take(self, settings: Settings) -> None:
        await self.close()
        self._arrived = 0  # the whole fleet may have got these settings
        await self._on_disk(lambda: self._device.belong_to(settings.configuration.device_id))
        self.settings = settings

    async def persist(self) -> None:
        """Write down what is in memory alone."""
        await self._on_disk(self._device.observed.spool.persist)

    async def close(self) -> None:
        """End the connections to the server."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _deliver(self) -> Delivery:
        try:
            client = await self._connected()
        except BadConfiguration as error:  # it was good when it was read; the next try may find it good again
            return Delivery(failure=Failure(trouble=Trouble.NOT_REACHABLE, message=one_line(str(error))))
        observed = self._device.observed
        device_id = self.settings.configuration.device_id
        delivery = await deliver(client, device_id, observed.spool, self._device.clocks)
        if record := delivery.record:
            await self._on_disk(lambda: observed.reported(record))
        before = self._auth
        self._arrived = 0 if delivery.failure else self._arrived + 1
        if self._auth != before:
            await self.close()
        return delivery

    @property
    def _auth(self) -> Auth:
        return auth_of(self.settings.configuration.auth, arrived=self._arrived)

    async def _connected(self) -> AsyncClient:
        """Give the client, made anew when a file that it was made of is another: who is not trusted any more is not."""
        chosen, key = self.settings.configuration, self.settings.credential.api_key
        if (files := _state_of(chosen)) != self._files:
            await self.close()
            self._arrived = 0
        if self._client is None:
            self._client = open_client(chosen, key, auth=self._auth, attempts=1)  # the schedule tries again
            self._files = files
        return self._client

    async def _on_disk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


def _state_of(server: Server) -> list[tuple[int, ...] | None]:
    """What tells whether the files that TLS needs are still those that were read."""
    return [_stamp(file) for file in (server.ca_file, server.client_cert) if file]


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode


def auth_of(chosen: Auth, *, arrived: int) -> Auth:
    """Say what a report carries, by how many in a row have arrived before it: the key itself at first.

    To get a token is a request more. When a whole fleet has its power or its server back, that would be twice as many;
    later reports come at times of their own.
    """
    return chosen if arrived >= _ARRIVED_BEFORE_A_TOKEN else "basic"


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
