"""Many devices registered at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import orjson

from firmtrail_contract import Device, NewDevice
from firmtrail_server.db import Connection, rows


async def find_by_names_or_fingerprints(
    conn: Connection, project_id: uuid.UUID, new: Sequence[NewDevice]
) -> list[Device]:
    """The devices that have the name or the fingerprint of one that shall be registered."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            select id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                   two_machines_since, null::timestamptz as last_reported_at
              from devices
             where project_id = %(project_id)s
               and (name = any(%(names)s) or hardware_fingerprint = any(%(fingerprints)s))
            """,
            {
                "project_id": project_id,
                "names": [device.name for device in new],
                "fingerprints": [device.hardware_fingerprint for device in new if device.hardware_fingerprint],
            },
        )
        return await cur.fetchall()


async def insert_many(
    conn: Connection, project_id: uuid.UUID, new: Sequence[NewDevice], now: dt.datetime
) -> list[Device]:
    """Register devices of which none is known by its name or its fingerprint."""
    async with conn.cursor(row_factory=rows(Device)) as cur:
        await cur.execute(
            """
            insert into devices (project_id, name, labels, hardware_fingerprint, created_at)
            select %(project_id)s::uuid, new.name, new.labels::jsonb, new.hardware_fingerprint, %(now)s
              from unnest(%(names)s::text[], %(labels)s::text[], %(fingerprints)s::text[])
                   as new (name, labels, hardware_fingerprint)
                on conflict do nothing
            returning id, project_id, name, labels, hardware_fingerprint, created_at, retired_at,
                      two_machines_since, null::timestamptz as last_reported_at
            """,
            {
                "project_id": project_id,
                "now": now,
                "names": [device.name for device in new],
                "labels": [orjson.dumps(device.labels).decode() for device in new],
                "fingerprints": [device.hardware_fingerprint for device in new],
            },
        )
        return await cur.fetchall()
