"""Devices."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import Device
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.errors import DeviceNotFound


async def insert(conn: Connection, project_id: uuid.UUID, name: str, now: dt.datetime) -> Device:
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            insert into devices (project_id, name, created_at)
            values (%(project_id)s, %(name)s, %(now)s)
            returning id, project_id, name, created_at
            """,
            {"project_id": project_id, "name": name, "now": now},
        )
        return await one(cur)


async def get(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> Device:
    """Look up a device of the project, or raise `DeviceNotFound`."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            select id, project_id, name, created_at
              from devices
             where project_id = %(project_id)s
               and id = %(device_id)s
            """,
            {"project_id": project_id, "device_id": device_id},
        )
        if (device := await cur.fetchone()) is None:
            raise DeviceNotFound(device_id)
        return device
