"""Boots of devices: when they started, and with which key they send."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from firmtrail_server.boot_clocks import Boot
from firmtrail_server.db import Connection, rows
from firmtrail_server.errors import DeviceNotFound
from firmtrail_server.machines import RememberedBoot

#: of each device: as many as may pass before an answer that was lost is asked for again
REMEMBERED = 16


async def list_remembered(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> list[RememberedBoot]:
    async with conn.cursor(row_factory=rows(RememberedBoot)) as cur:
        await cur.execute(
            """
            select boot_id, started_at, source, reported_until, recorded_at, api_key_id
              from device_boots
             where project_id = %(project_id)s
               and device_id = %(device_id)s
            """,
            {"project_id": project_id, "device_id": device_id},
        )
        return await cur.fetchall()


async def remember(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, boots: Sequence[Boot], now: dt.datetime
) -> None:
    """Store boots, or their new starts. Raise `DeviceNotFound` if the project has no such device."""
    cur = await conn.execute(
        """
        insert into device_boots (device_id, boot_id, project_id, started_at, source, reported_until, recorded_at)
        select devices.id, boots.boot_id, devices.project_id, boots.started_at, boots.source, boots.reported_until,
               %(now)s::timestamptz
          from devices
         cross join unnest(
                   %(boot_ids)s::uuid[], %(starts)s::timestamptz[], %(sources)s::text[],
                   %(reported_until)s::timestamptz[]
               ) as boots (boot_id, started_at, source, reported_until)
         where devices.project_id = %(project_id)s
           and devices.id = %(device_id)s
            on conflict (device_id, boot_id) do update
           set started_at = excluded.started_at,
               source = excluded.source,
               reported_until = excluded.reported_until
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "now": now,
            "boot_ids": [boot.boot_id for boot in boots],
            "starts": [boot.started_at for boot in boots],
            "sources": [boot.source.value for boot in boots],
            "reported_until": [boot.reported_until for boot in boots],
        },
    )
    if cur.rowcount == 0:
        raise DeviceNotFound(device_id)


async def update_sender(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, boot_id: uuid.UUID, api_key_id: uuid.UUID
) -> None:
    """Note with which key a boot sends."""
    await conn.execute(
        """
        update device_boots
           set api_key_id = %(api_key_id)s
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and boot_id = %(boot_id)s
        """,
        {"project_id": project_id, "device_id": device_id, "boot_id": boot_id, "api_key_id": api_key_id},
    )


async def forget_oldest(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> None:
    """Keep the newest boots of a device."""
    await conn.execute(
        """
        delete from device_boots
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and boot_id in (
                   select boot_id
                     from device_boots
                    where project_id = %(project_id)s
                      and device_id = %(device_id)s
                    order by recorded_at desc, boot_id
                   offset %(remembered)s
               )
        """,
        {"project_id": project_id, "device_id": device_id, "remembered": REMEMBERED},
    )
