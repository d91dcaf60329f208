"""The demo's fleet, put into its project through the API of a server whose clock is set to then.

So a device was registered when it was installed, and is silent since it was heard of last. The server of the past
runs in this process and shares the database with the one that is demonstrated.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import os
import ssl
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from demo_fleet import DESIRED_SINCE, DESIRED_VERSION, FleetDevice, Observation, fleet

from firmtrail import AsyncClient
from firmtrail_contract import ClockReading, ClockState, ComponentReading, ObservationRecord
from firmtrail_server.app import App, create_app
from firmtrail_server.http.server import running_http
from firmtrail_server.process.database import database
from firmtrail_server.settings import Settings, read_settings

_DAY_SECONDS = 86_400
#: until a device that reports daily is missed
_UNTIL_MISSED = 5.0
_SOON = 1e-6
#: so many devices report at a time
_AT_ONCE = 8
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # one for all: each client would make its own

Step = tuple[float, Callable[[], Awaitable[object]]]


@dataclass
class Past:
    """A moment that only goes on, and what is known by then."""

    now: dt.datetime
    moment: dt.datetime = field(init=False)
    #: of each device its id and its API key
    keys: dict[str, tuple[uuid.UUID, str]] = field(default_factory=dict[str, tuple[uuid.UUID, str]])

    def __post_init__(self) -> None:
        self.moment = self.now

    def at(self, ago: float) -> dt.datetime:
        return self.now - dt.timedelta(days=ago)

    def ago(self, moment: dt.datetime) -> float:
        return (self.now - moment) / dt.timedelta(days=1)


def keep_fleet(data_dir: Path, project_key: str) -> None:
    """Fill the project, unless it is full; what an interrupted start has left is made anew."""
    settings = read_settings({**os.environ, "FIRMTRAIL_DATA_DIR": str(data_dir)})
    with database(settings) as (database_url, _):
        asyncio.run(fill(database_url, project_key, dt.datetime.now(dt.UTC)))


async def fill(database_url: str, project_key: str, now: dt.datetime) -> None:
    """Let a year pass that ends now."""
    past = Past(now)
    app = create_app(Settings(password_cost=4), database_url, clock=lambda: past.moment)
    async with _serving(app) as url, AsyncClient(url, api_key=project_key, auth="basic") as client:
        if await _is_whole(client):
            return
        await _clear(client)
        quiet, others = [one for one in fleet() if one.quiet], [one for one in fleet() if not one.quiet]
        for steps in (_quiet_steps(past, app, client, quiet), _steps(past, app, client, quiet, others)):
            for ago, do in sorted(steps, key=lambda step: -step[0]):
                past.moment = past.at(ago)
                await do()


async def _is_whole(client: AsyncClient) -> bool:
    found = {device.name async for device in client.devices.list(labels={"model": None}) if device.last_reported_at}
    return found == {device.name for device in fleet() if device.last is not None}


async def _clear(client: AsyncClient) -> None:
    async for rule in client.desired_versions.list():
        await client.desired_versions.end(rule.id)
    async for device in client.devices.list(labels={"model": None}):
        await client.devices.delete(device.id)


@asynccontextmanager
async def _serving(app: App) -> AsyncGenerator[str]:
    async with app.running(), running_http(app.dispatcher, shutdown_timeout=1) as server:
        await server.listen(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{server.port}"


def _quiet_steps(past: Past, app: App, client: AsyncClient, devices: Sequence[FleetDevice]) -> Iterator[Step]:
    """List what happens to devices that were silent and came back: alone, since a sweep would miss all the others."""
    for device in devices:
        assert device.quiet is not None
        begin, end = device.quiet
        yield device.installed, partial(_install, past, client, [device])
        yield begin, partial(_report, past, client.url, device)
        yield begin - _UNTIL_MISSED, partial(_sweep, past, app)
        yield end, partial(_report, past, client.url, device)
        yield end - _SOON, partial(_sweep, past, app)


def _steps(
    past: Past, app: App, client: AsyncClient, quiet: Sequence[FleetDevice], others: Sequence[FleetDevice]
) -> Iterator[Step]:
    """List what happens to the others, each with how many days ago it did; all that are well report in the end."""
    for installed, group in groupby(sorted(others, key=_installed), key=_installed):
        yield installed, partial(_install, past, client, [*group])
    yield DESIRED_SINCE, partial(client.desired_versions.set, DESIRED_VERSION)
    for device in others:
        if device.last is not None and device.last > 1:
            yield device.last, partial(_report, past, client.url, device)
    well = [*quiet, *(one for one in others if one.last is not None and one.last <= 1)]
    yield 0.0, partial(_report_together, past, client.url, well)
    yield -_SOON, partial(_sweep, past, app)


def _installed(device: FleetDevice) -> float:
    return device.installed


async def _install(past: Past, client: AsyncClient, devices: Sequence[FleetDevice]) -> None:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["name", "labels.site", "labels.model"])
    rows.writerows([device.name, device.labels["site"], device.labels["model"]] for device in devices)
    registered = await client.devices.import_rows(None, table.getvalue())
    ids = [row.device_id for row in registered.rows if row.device_id is not None]
    keys = await asyncio.gather(*map(client.device_api_keys.create, ids))
    for device, device_id, key in zip(devices, ids, keys, strict=True):
        past.keys[device.name] = (device_id, f"{key.id}:{key.secret}")


async def _report(past: Past, url: str, device: FleetDevice) -> None:
    """Send what the device has observed by now, as a device does that was offline."""
    device_id, key = past.keys[device.name]
    now = past.ago(past.moment)
    records = [_record(past, device, one, now) for one in device.observations if one.first >= now]
    sent = _reading(past, device, now)
    async with AsyncClient(url, api_key=key, auth="basic", ssl_context=_NO_TLS) as client:
        await client.firmware.report_batch(device_id, records, sent=sent, interval_seconds=_DAY_SECONDS)


async def _report_together(past: Past, url: str, devices: Sequence[FleetDevice]) -> None:
    for first in range(0, len(devices), _AT_ONCE):
        await asyncio.gather(*(_report(past, url, device) for device in devices[first : first + _AT_ONCE]))


async def _sweep(past: Past, app: App) -> None:
    await app.services.silences.sweep(past.moment)


def _record(past: Past, device: FleetDevice, one: Observation, now: float) -> ObservationRecord:
    return ObservationRecord(
        first_observed=_reading(past, device, one.first),
        last_observed=_reading(past, device, max(one.last, now)),
        components=[ComponentReading(component=name, version=version) for name, version in one.versions.items()],
    )


def _reading(past: Past, device: FleetDevice, ago: float) -> ClockReading:
    """The clocks of a device that has run since it was installed."""
    return ClockReading(
        boot_id=uuid.uuid5(uuid.NAMESPACE_DNS, device.name),
        boot_sequence=1,
        boot_time_ms=round((device.installed - ago) * _DAY_SECONDS * 1_000),
        wall_time=past.at(ago),
        clock_state=ClockState.SYNCED,
    )
