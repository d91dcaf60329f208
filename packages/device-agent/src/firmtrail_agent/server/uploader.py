"""The owner of connection and API key. It sends for the service, `report`, the timer and `spool flush` alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail_agent.config.configuration import Server
from firmtrail_agent.config.credentials import Credential, CredentialRefused
from firmtrail_agent.config.settings import Settings, read_credential
from firmtrail_agent.server.announcements import Announcements
from firmtrail_agent.server.client import Connection, open_connection
from firmtrail_agent.server.delivery import Delivery, deliver
from firmtrail_agent.state.device import Device
from firmtrail_agent.validation.redact import one_line

if TYPE_CHECKING:
    from firmtrail import AgentStatement


class Uploader:
    """Sends the spool of a device. `attempts`: how often a request is tried at once."""

    def __init__(self, settings: Settings, device: Device, *, attempts: int = 3) -> None:
        self.settings = settings
        self._device = device
        self._attempts = attempts
        self._announcements = Announcements(device.clocks.boot_time)
        self._connection: Connection | None = None
        #: what the files were that it was made of
        self._files: object = None

    async def send(self, interval_seconds: int | None = None, agent: AgentStatement | None = None) -> Delivery:
        """Send what waits. When the server refuses the API key, try once more with another one.

        `interval_seconds`: how often this device reports; None: another program decides that, such as a timer.
        `agent`: what the agent says of itself; it is sent when it is news.

        Raises:
            BadConfiguration: a variable of the environment is wrong, or a file has changed since it was checked.
        """
        delivery = await self._sent(interval_seconds, agent)
        if delivery.failure is None or not delivery.failure.refuses_the_key:
            return delivery
        try:
            is_another = await self.renew_credential()
        except CredentialRefused as error:
            delivery.failure = attrs.evolve(delivery.failure, message=one_line(str(error)))
            return delivery
        if await self._settle_key() or is_another:
            again = await self._sent(interval_seconds, agent)
            again.refused[:0] = delivery.refused
            return again
        return delivery

    async def renew_credential(self) -> bool:
        """Read the API key again; say whether it is another one.

        Raises:
            CredentialRefused: there is none that can be used.
        """
        return await self._use(read_credential(self.settings.configuration, self.settings.environment))

    async def take(self, settings: Settings) -> None:
        """Go on with other settings."""
        await self.close()
        self._announcements.forget()
        self.settings = settings

    async def close(self) -> None:
        """End the connections to the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _settle_key(self) -> bool:
        """Take the key that works of two that an interrupted rotation has left; say whether it is another one."""
        from firmtrail_agent.server import enrollment  # noqa: PLC0415  once in a while; 0.4 MB and 10 ms at each start

        working = await enrollment.working_key(self.settings.configuration, self.settings.credential)
        return working is not None and await self._use(working)

    async def _use(self, credential: Credential) -> bool:
        if credential == self.settings.credential:
            return False
        await self.take(attrs.evolve(self.settings, credential=credential))
        return True

    async def _sent(self, interval_seconds: int | None, agent: AgentStatement | None) -> Delivery:
        connection, device_id = await self._connected(), self.settings.configuration.device_id
        beside, spool = self._announcements.due(interval_seconds, agent), self._device.observations.spool
        unknown, clocks = self._announcements.unknown, self._device.clocks
        delivery = await deliver(connection.report_batch, device_id, spool, clocks, beside, not_understood=unknown)
        self._announcements.not_understood(delivery.not_understood)
        if delivery.is_told and agent is not None:
            self._announcements.told(interval_seconds, agent)
        if delivery.resync:  # it has lost what it knew
            self._announcements.forget()
        return delivery

    async def _connected(self) -> Connection:
        """Give the connection; a new one when a file of TLS is another, so that who is not trusted any more is not."""
        chosen, key = self.settings.configuration, self.settings.credential.api_key
        if (files := _state_of(chosen)) != self._files:
            await self.close()
        if self._connection is None:
            self._connection = open_connection(chosen, key, attempts=self._attempts)
            self._files = files
        return self._connection


def _state_of(server: Server) -> list[tuple[int, ...] | None]:
    """What tells whether the files that TLS needs are still those that were read."""
    return [_stamp(file) for file in (server.ca_file, server.client_cert) if file]


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
