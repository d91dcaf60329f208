"""What the contract suite asks: a project somewhere, its clock, and clients of either kind, called alike."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from firmtrail import AsyncClient, Client
from firmtrail.testing import StandIn
from tests.served import Server
from tests.server.conftest import Clock, Demo

#: what a client of either kind is asked
Call = Callable[[Any], Any]


@attrs.frozen(kw_only=True)
class Installation:
    """A server with a project, real or not."""

    url: str
    api_key: str
    project_id: str
    now: Callable[[], dt.datetime]
    pass_time: Callable[[dt.timedelta], object]
    #: let the server look for silent devices, which it does once a minute
    look: Callable[[], Awaitable[object]]
    #: that is there from the beginning
    demo_device: str | None = None

    @classmethod
    def of_stand_in(cls, stand_in: StandIn) -> Installation:
        return cls(
            url=stand_in.url,
            api_key=stand_in.api_key,
            project_id=str(stand_in.project_id),
            now=stand_in.now,
            pass_time=stand_in.pass_time,
            look=_nothing,
        )

    @classmethod
    def of_server(cls, server: Server, clock: Clock, demo: Demo) -> Installation:
        return cls(
            url=server.url,
            api_key=":".join(demo.project_key),
            project_id=demo.project_id,
            now=clock,
            pass_time=lambda duration: clock.advance(seconds=duration.total_seconds()),
            look=lambda: server.services.silences.sweep(clock()),
            demo_device=demo.device_id,
        )

    async def empty(self, ask: Asking) -> None:
        if self.demo_device is not None:
            await ask(lambda client: client.devices.delete(self.demo_device))


async def _nothing() -> None:
    pass


class Asking:
    """Clients of one kind, one for each API key."""

    def __init__(self, installation: Installation, kind: type[Client | AsyncClient]) -> None:
        self.installation = installation
        self._kind = kind
        self._clients: dict[str, Client | AsyncClient] = {}

    async def __call__(self, call: Call, *, key: str | None = None) -> Any:
        """Make one call, as the project's admin unless another key is given."""
        client = self._client(key)
        return await call(client) if isinstance(client, AsyncClient) else await asyncio.to_thread(call, client)

    async def all(self, call: Call, *, key: str | None = None) -> list[Any]:
        """Take everything that a list gives."""
        client = self._client(key)
        if isinstance(client, AsyncClient):
            return [item async for item in call(client)]
        return await asyncio.to_thread(lambda: list(call(client)))

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose() if isinstance(client, AsyncClient) else client.close()

    def _client(self, key: str | None) -> Client | AsyncClient:
        key = key or self.installation.api_key
        if key not in self._clients:
            self._clients[key] = self._kind(self.installation.url, api_key=key, attempts=1)
        return self._clients[key]

    # What most tests begin with.

    async def device(self, name: str, **labels: str) -> str:
        return str((await self(lambda client: client.devices.create(None, name, labels=labels))).id)

    async def device_key(self, device_id: str) -> str:
        return written(await self(lambda client: client.device_api_keys.create(device_id)))

    async def gateway_key(self) -> str:
        return written(await self(lambda client: client.api_keys.create(None, "viewer", reports_for_devices=True)))

    async def ran(self, key: str, device_id: str, version: str, at: dt.datetime, component: str = "main") -> Any:
        """Report as a device."""
        return await self(
            lambda client: client.firmware.report(device_id, version, component=component, observed_at=at), key=key
        )


def written(issued: Any) -> str:
    """An API key as clients take it."""
    return f"{issued.id}:{issued.secret}"
