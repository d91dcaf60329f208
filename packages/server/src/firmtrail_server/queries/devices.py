"""Devices: one at a time. Lists are in device_lists.py."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence

import attrs
from psycopg.types.json import Jsonb

from firmtrail_contract import Device, NewDevice, VersionPeriod
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.errors import DeviceNotFound


async def insert(conn: Connection, project_id: uuid.UUID, new: NewDevice, now: dt.datetime) -> Device:
    """Store a device of which neither the name nor the fingerprint is known."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            insert into devices (project_id, name, labels, hardware_fingerprint, created_at)
            values (%(project_id)s, %(name)s, %(labels)s, %(hardware_fingerprint)s, %(now)s)
            on conflict do nothing
            returning id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                      two_machines_since, null::timestamptz as last_reported_at
            """,
            {"project_id": project_id, "now": now, **attrs.asdict(new), "labels": Jsonb(new.labels)},
        )
        return await one(cur)


async def find_twins(
    conn: Connection, project_id: uuid.UUID, name: str | None, hardware_fingerprint: str | None
) -> list[Device]:
    """The devices that have this name or this fingerprint: at most two."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            select id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                   two_machines_since, null::timestamptz as last_reported_at
              from devices
             where project_id = %(project_id)s
               and (name = %(name)s or hardware_fingerprint = %(hardware_fingerprint)s)
            """,
            {"project_id": project_id, "name": name, "hardware_fingerprint": hardware_fingerprint},
        )
        return await cur.fetchall()


async def get(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> Device:
    """Look up a device of the project, or raise `DeviceNotFound`."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            select id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                   two_machines_since,
                   (select max(last_reported_at) from device_firmware where device_id = devices.id) as last_reported_at
              from devices
             where project_id = %(project_id)s
               and id = %(device_id)s
            """,
            {"project_id": project_id, "device_id": device_id},
        )
        if (device := await cur.fetchone()) is None:
            raise DeviceNotFound(device_id)
        return device


@attrs.frozen(kw_only=True)
class DeviceInService:
    """A device, by both of its names, and whether it is out of service."""

    id: uuid.UUID
    name: str
    is_retired: bool


async def list_named(
    conn: Connection, project_id: uuid.UUID, ids: Collection[uuid.UUID], names: Collection[str]
) -> list[DeviceInService]:
    """The devices of a project that have one of these ids, or one of these names."""
    async with conn.cursor(row_factory=rows(DeviceInService)) as cur:
        await cur.execute(
            """
            select id, name, retired_at is not null as is_retired
              from devices
             where project_id = %(project_id)s
               and (id = any(%(ids)s::uuid[]) or name = any(%(names)s::text[]))
            """,
            {"project_id": project_id, "ids": list(ids), "names": list(names)},
        )
        return await cur.fetchall()


async def last_heard_at(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> dt.datetime | None:
    """The server's moment at which a device last reported anything; None: it never has."""
    cur = await conn.execute(
        """
        select max(coalesce(heard_at, last_reported_at))
          from device_firmware
         where project_id = %(project_id)s
           and device_id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id},
    )
    return (await one(cur))[0]


async def list_open_periods(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> list[VersionPeriod]:
    """What each component of a device runs now."""
    async with conn.cursor(row_factory=rows(VersionPeriod)) as cur:
        await cur.execute(
            """
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   null::timestamptz as superseded_at, recorded_at
              from device_firmware
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and version <> ''
             order by component
            """,
            {"project_id": project_id, "device_id": device_id},
        )
        return await cur.fetchall()


async def update_name(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, name: str) -> None:
    await conn.execute(
        """
        update devices
           set name = %(name)s
         where project_id = %(project_id)s
           and id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id, "name": name},
    )


async def update_labels(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, labels: Mapping[str, str]
) -> None:
    await conn.execute(
        """
        update devices
           set labels = %(labels)s
         where project_id = %(project_id)s
           and id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id, "labels": Jsonb(labels)},
    )


async def update_retired_at(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, retired_at: dt.datetime | None
) -> None:
    await conn.execute(
        """
        update devices
           set retired_at = %(retired_at)s
         where project_id = %(project_id)s
           and id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id, "retired_at": retired_at},
    )


async def flag_two_machines(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, now: dt.datetime
) -> str | None:
    """Note that two machines report as this device, and return its name; None: that is known already."""
    cur = await conn.execute(
        """
        update devices
           set two_machines_since = %(now)s
         where project_id = %(project_id)s
           and id = %(device_id)s
           and two_machines_since is null
        returning name
        """,
        {"project_id": project_id, "device_id": device_id, "now": now},
    )
    row = await cur.fetchone()
    return row[0] if row else None


async def unflag_two_machines(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> None:
    """Forget it: one of the keys that they report with ends."""
    await conn.execute(
        """
        update devices
           set two_machines_since = null
         where project_id = %(project_id)s
           and id = %(device_id)s
           and two_machines_since is not null
        """,
        {"project_id": project_id, "device_id": device_id},
    )


async def delete(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> None:
    """Delete devices whose keys are deleted and whose history is marked for removal."""
    await conn.execute(
        """
        delete from devices
         where project_id = %(project_id)s
           and id = any(%(device_ids)s)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )
