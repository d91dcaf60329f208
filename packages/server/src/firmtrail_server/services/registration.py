"""Registering devices: no two of a project have one name, or one hardware fingerprint."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import Device, NewDevice
from firmtrail_server.db import Connection
from firmtrail_server.errors import DeviceNameTaken, HardwareTaken
from firmtrail_server.queries import devices


async def register(conn: Connection, project_id: uuid.UUID, new: NewDevice, now: dt.datetime) -> Device:
    """Register a device.

    Raises:
        DeviceNameTaken, HardwareTaken: another device of the project has its name or its fingerprint.
    """
    for twin in await devices.find_twins(conn, project_id, new.name, new.hardware_fingerprint):
        raise (DeviceNameTaken if twin.name == new.name else HardwareTaken)(twin.name, twin.id)
    return await devices.insert(conn, project_id, new, now)


async def rename(conn: Connection, device: Device, name: str) -> None:
    """Rename a device.

    Raises:
        DeviceNameTaken: another device of the project has the name.
    """
    for twin in await devices.find_twins(conn, device.project_id, name, None):
        if twin.id != device.id:
            raise DeviceNameTaken(name, twin.id)
    await devices.update_name(conn, device.project_id, device.id, name)
