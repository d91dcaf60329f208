"""Six pumps in May 2026, small enough to work out every answer by hand.

Each reports once a day at 08:00 UTC; it is 12:00 on the 1st of June. `RAN` says all of it.
"""

from __future__ import annotations

import datetime as dt

import attrs
import httpx

from tests.served import Server
from tests.server.callers import Caller, key_of, made
from tests.server.conftest import Clock, Demo

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SITES = {"pump-1": "berlin", "pump-2": "berlin", "pump-3": "hamburg", "pump-4": "hamburg", "pump-5": "oslo"} | {
    "pump-6": "oslo"
}
#: from which day (and hour) of May on a pump reports which version of its component `main`; pump-5 never does
RAN = {
    "pump-1": {(1, 8): "1.4.2", (10, 8): "1.5.0"},
    "pump-2": {(1, 8): "1.4.2", (12, 8): "1.5.0", (14, 8): "1.4.2", (28, 8): "1.5.0"},
    "pump-3": {(1, 8): "1.4.1", (29, 8): "1.5.0"},
    "pump-4": {(1, 8): "1.4.2"},
    "pump-6": {(1, 8): "1.4.2"} | {(30, 9 + hour): ("1.5.0", "1.4.2")[hour % 2] for hour in range(6)},
}
#: the last day of May on which it reports
LAST_DAY = {"pump-4": 20}


@attrs.frozen
class SmallFleet:
    """Where the pumps are, and how to ask about them."""

    url: str
    project_id: str
    project_key: str
    devices: dict[str, str]


async def small_fleet(http: httpx.AsyncClient, server: Server, clock: Clock, demo: Demo) -> SmallFleet:
    """Let May pass."""
    clock.moment = dt.datetime(2026, 5, 1, 6, tzinfo=dt.UTC)
    admin = Caller(http, demo.project_key)
    await admin.delete(f"devices/{demo.device_id}")
    devices = {name: await _registered(admin, demo.project_id, name) for name in SITES}
    keys = {name: await _key(admin, devices[name]) for name in RAN}
    for moment, name, component, version in _reports():
        clock.moment = moment
        report = {"version": version, "component": component, "interval_seconds": 86_400}
        assert (await keys[name].post(f"devices/{devices[name]}/firmware_version", report)).is_success
    clock.moment = NOW
    await server.services.silences.sweep(NOW)
    return SmallFleet(server.url, demo.project_id, ":".join(demo.project_key), devices)


def _reports() -> list[tuple[dt.datetime, str, str, str]]:
    """Everything that was reported, in order."""
    found = [(_may(1, 8), "pump-1", "modem", "2.1.0")]
    for name, versions in RAN.items():
        moments = {(day, 8) for day in range(1, LAST_DAY.get(name, 32) + 1)} | {*versions}
        for day, hour in moments:
            found.append((_may(day, hour), name, "main", versions[max(one for one in versions if one <= (day, hour))]))
    return sorted(found)


def _may(day: int, hour: int) -> dt.datetime:
    return dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC) + dt.timedelta(days=day - 1)


async def _registered(admin: Caller, project_id: str, name: str) -> str:
    body = {"name": name, "labels": {"site": SITES[name]}}
    return made(await admin.post(f"projects/{project_id}/devices", body))["id"]


async def _key(admin: Caller, device_id: str) -> Caller:
    return Caller(admin.http, key_of(made(await admin.post(f"devices/{device_id}/api_keys", {}))))
