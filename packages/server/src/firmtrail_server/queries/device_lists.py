"""The devices of a project that match filters, page by page; and many devices registered at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
import orjson
from psycopg.types.json import Jsonb

from firmtrail_contract import Device, DeviceQuery, NewDevice, Text, parse_label_filter
from firmtrail_server.db import Connection, rows


@attrs.frozen(kw_only=True)
class NamePosition:
    """The name at which a page ended. It comes back from clients."""

    name: str = attrs.field(validator=Text(0, 200))


BEGINNING = NamePosition(name="")


@attrs.frozen(kw_only=True)
class DeviceRow(Device):
    """A device of the list."""

    @property
    def shown(self) -> Device:
        return self

    @property
    def position(self) -> NamePosition:
        return NamePosition(name=self.name)


async def list_devices(
    conn: Connection, project_id: uuid.UUID, query: DeviceQuery, after: NamePosition, limit: int
) -> list[DeviceRow]:
    """The project's devices that the query asks for, by name."""
    labels, label_keys = parse_label_filter(query.labels) if query.labels else ({}, [])
    async with conn.cursor(row_factory=rows(DeviceRow)) as cur:
        await cur.execute(
            """
            select id, project_id, name, labels, hardware_fingerprint, created_at, retired_at, two_machines_since,
                   last_reported_at
              from devices
              left join lateral (
                       select max(last_reported_at) as last_reported_at
                         from device_firmware
                        where device_id = devices.id
                   ) as reports on true
             where project_id = %(project_id)s
               and devices.name > %(after)s
               and (%(name)s::text is null or strpos(lower(name), lower(%(name)s)) > 0)
               and labels @> %(labels)s
               and (%(label_keys)s::text[] = '{}'::text[] or labels ?& %(label_keys)s)
               and (%(state)s = 'any' or (retired_at is not null) = (%(state)s = 'retired'))
               and (
                       %(two_machines)s::boolean is null
                       or (two_machines_since is not null) = %(two_machines)s
                   )
               and (%(created_from)s::timestamptz is null or created_at >= %(created_from)s)
               and (%(created_before)s::timestamptz is null or created_at < %(created_before)s)
               and (%(reported_from)s::timestamptz is null or last_reported_at >= %(reported_from)s)
               and (
                       %(reported_before)s::timestamptz is null
                       or last_reported_at is null
                       or last_reported_at < %(reported_before)s
                   )
               and (
                       coalesce(%(version)s::text, %(component)s::text) is null
                       or exists (
                              select 1
                                from device_firmware
                               where device_id = devices.id
                                 and (%(version)s::text is null or version = %(version)s)
                                 and (%(component)s::text is null or component = %(component)s)
                          )
                   )
             order by devices.name
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "after": after.name,
                "limit": limit,
                **attrs.asdict(query),
                "labels": Jsonb(labels),
                "label_keys": label_keys,
            },
        )
        return await cur.fetchall()


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
