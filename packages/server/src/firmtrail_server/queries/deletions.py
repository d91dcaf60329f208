"""Deleting devices and projects with all that is theirs, a bounded number of rows at a time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_server.db import Connection, one, rows


@attrs.frozen(kw_only=True)
class RemovedDevice:
    """A device that is gone and may have left rows."""

    device_id: uuid.UUID
    project_id: uuid.UUID


async def mark_history(
    conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID], now: dt.datetime
) -> None:
    """Note that the closed periods of devices are to be deleted."""
    await conn.execute(
        """
        insert into removed_devices (device_id, project_id, removed_at)
        select device_id, %(project_id)s::uuid, %(now)s
          from unnest(%(device_ids)s::uuid[]) as removed (device_id)
        """,
        {"project_id": project_id, "device_ids": list(device_ids), "now": now},
    )


async def find_marked(conn: Connection, before: dt.datetime) -> RemovedDevice | None:
    """Find a device, of any project, that is gone since before a moment and may have left rows."""
    async with conn.cursor(row_factory=rows(RemovedDevice)) as cur:
        await cur.execute(
            """
            select device_id, project_id
              from removed_devices
             where removed_at < %(before)s
             limit 1
            """,
            {"before": before},
        )
        return await cur.fetchone()


async def unmark(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> None:
    await conn.execute(
        """
        delete from removed_devices
         where project_id = %(project_id)s
           and device_id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id},
    )


async def delete_open_periods(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> int:
    """Delete what devices run now, and that they are silent; return of how much."""
    cur = await conn.execute(
        """
        with stopped as (
            delete from device_firmware
             where project_id = %(project_id)s
               and device_id = any(%(device_ids)s)
            returning component, device_id
        ),
        heard as (
            delete from device_silences
             where project_id = %(project_id)s
               and device_id = any(%(device_ids)s)
            returning device_id
        ),
        derived as (
            delete from device_versions
             where project_id = %(project_id)s
               and (component, device_id) in (select component, device_id from stopped)
        )
        select (select count(*) from stopped) + (select count(*) from heard)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )
    return (await one(cur))[0]


async def delete_boots(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> None:
    await conn.execute(
        """
        delete from device_boots
         where project_id = %(project_id)s
           and device_id = any(%(device_ids)s)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )


async def delete_agents(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> None:
    await conn.execute(
        """
        delete from device_agents
         where project_id = %(project_id)s
           and device_id = any(%(device_ids)s)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )


async def delete_gaps(conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID]) -> None:
    await conn.execute(
        """
        delete from device_history_gaps
         where project_id = %(project_id)s
           and device_id = any(%(device_ids)s)
        """,
        {"project_id": project_id, "device_ids": list(device_ids)},
    )


async def delete_closed_periods(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, limit: int) -> int:
    """Delete at most `limit` closed periods of a device; return how many there were."""
    cur = await conn.execute(
        """
        delete from device_firmware_periods
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and (first_reported_at, component, period_id) in (
                   select first_reported_at, component, period_id
                     from device_firmware_periods
                    where project_id = %(project_id)s
                      and device_id = %(device_id)s
                    order by first_reported_at, component, period_id
                    limit %(limit)s
               )
        """,
        {"project_id": project_id, "device_id": device_id, "limit": limit},
    )
    return cur.rowcount


async def find_deleted_project(conn: Connection) -> uuid.UUID | None:
    """Find a project that is deleted and has rows left."""
    cur = await conn.execute(
        """
        select id
          from projects
         where deleted_at is not null
         limit 1
        """
    )
    row = await cur.fetchone()
    return row[0] if row else None


async def some_devices(conn: Connection, project_id: uuid.UUID, limit: int) -> list[uuid.UUID]:
    cur = await conn.execute(
        """
        select id
          from devices
         where project_id = %(project_id)s
         order by name
         limit %(limit)s
        """,
        {"project_id": project_id, "limit": limit},
    )
    return [row[0] for row in await cur.fetchall()]


async def delete_api_keys(conn: Connection, project_id: uuid.UUID) -> None:
    """Delete the keys that are no device's: those of the project and of enrollment."""
    await conn.execute(
        """
        delete from api_keys
         where project_id = %(project_id)s
           and device_id is null
        """,
        {"project_id": project_id},
    )


async def delete_members(conn: Connection, project_id: uuid.UUID) -> None:
    await conn.execute("delete from project_members where project_id = %(project_id)s", {"project_id": project_id})


async def delete_invitations(conn: Connection, project_id: uuid.UUID) -> None:
    await conn.execute("delete from project_invitations where project_id = %(project_id)s", {"project_id": project_id})


async def delete_desired_versions(conn: Connection, project_id: uuid.UUID) -> None:
    await conn.execute("delete from desired_versions where project_id = %(project_id)s", {"project_id": project_id})


async def delete_project(conn: Connection, project_id: uuid.UUID) -> None:
    await conn.execute("delete from projects where id = %(project_id)s", {"project_id": project_id})
