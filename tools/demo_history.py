"""A device with a past, for the demo: half a year of versions, reported through the API as an import would.

This machine has just met the server, so it has no past to ask about.
"""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail import Client
from firmtrail_contract import Device, VersionPeriod

NAME = "pump-7"
#: each version, and how many days ago it was first and last reported; 1.4.1 was taken back
_PAST = [("1.3.2", 180, 121), ("1.4.0", 120, 75), ("1.4.1", 74, 61), ("1.4.0", 60, 31), ("1.5.0", 30, 0)]


def keep_device(client: Client, project_id: uuid.UUID) -> Device:
    """Return the device of an earlier start, or make it; one whose past was not reported whole is made anew."""
    for device in client.devices.list(project_id, name=NAME):
        if device.name == NAME:
            if len(list(client.firmware.history(device.id))) >= len(_PAST):
                return device
            client.devices.delete(device.id)
    device = client.devices.create(project_id, NAME)
    key = client.device_api_keys.create(device.id)
    with Client(client.url, api_key=f"{key.id}:{key.secret}") as pump:
        _report_past(pump, device)
    return device


def _report_past(pump: Client, device: Device) -> None:
    now = dt.datetime.now(dt.UTC)
    for version, *days in _PAST:
        for ago in days:
            pump.firmware.report(device.id, version, observed_at=now - dt.timedelta(days=ago), strict=True)


def day_to_ask_about(periods: list[VersionPeriod]) -> dt.date:
    """Choose a day of the version that was taken back."""
    return (periods[2].first_reported_at + dt.timedelta(days=3)).date()
