"""Changes of histories: they enter the feed's inbox with what they change, and are read from its log in order."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from firmtrail_contract import FirmwareChange, FirmwareChangesQuery
from firmtrail_server.db import Connection, rows
from firmtrail_server.history.changes import PeriodChange
from firmtrail_server.queries.counted import LABELLED, Labelled


async def insert_of_parts(
    conn: Connection,
    project_id: uuid.UUID,
    changes: Sequence[tuple[uuid.UUID, PeriodChange]],
    recorded_at: dt.datetime,
) -> None:
    """Add changes of devices' components whose open periods are locked; those of one component in their order.

    The inbox may have a row with the same key, of a device that was deleted while this report was on its way: then the
    device's removal comes after both.
    """
    await conn.execute(
        """
        with given as (
            select position, device_id, component, kind, period_id, version, previous_version, first_reported_at,
                   tie_rank, row_number() over (partition by device_id, component order by position) as nth
              from unnest(
                       %(device_ids)s::uuid[], %(components)s::text[], %(kinds)s::text[], %(period_ids)s::uuid[],
                       %(versions)s::text[], %(previous)s::text[], %(firsts)s::timestamptz[], %(ranks)s::int8[]
                   ) with ordinality
                as given (device_id, component, kind, period_id, version, previous_version, first_reported_at, tie_rank,
                          position)
        ),
        counted as (
            update device_firmware
               set change_number = device_firmware.change_number + total.changes
              from (
                    select device_id, component, count(*) as changes from given group by device_id, component
                   ) as total
             where device_firmware.project_id = %(project_id)s
               and device_firmware.device_id = total.device_id
               and device_firmware.component = total.component
            returning device_firmware.device_id, device_firmware.component,
                      device_firmware.change_number - total.changes as before
        )
        insert into firmware_changes_new (
                   project_id, device_id, change_number, component, kind, version, previous_version, first_reported_at,
                   tie_rank, period_id, recorded_at
               )
        select %(project_id)s::uuid, given.device_id, counted.before + given.nth, given.component, given.kind,
               nullif(given.version, ''), nullif(given.previous_version, ''), given.first_reported_at, given.tie_rank,
               given.period_id, %(recorded_at)s::timestamptz
          from given
          join counted
            on counted.device_id = given.device_id
           and counted.component = given.component
            on conflict (project_id, device_id, change_number, component) do nothing
        """,
        {
            "project_id": project_id,
            "device_ids": [device_id for device_id, _ in changes],
            "components": [change.component for _, change in changes],
            "kinds": [change.kind.value for _, change in changes],
            "period_ids": [change.period_id for _, change in changes],
            "versions": [change.version for _, change in changes],
            "previous": [change.previous_version for _, change in changes],
            "firsts": [change.first_reported_at for _, change in changes],
            "ranks": [change.tie_rank for _, change in changes],
            "recorded_at": recorded_at,
        },
    )


async def insert_removals(
    conn: Connection, project_id: uuid.UUID, device_ids: Sequence[uuid.UUID], now: dt.datetime
) -> None:
    """Add that devices are deleted, after all that happened to them; not where their whole project is."""
    await conn.execute(
        """
        insert into firmware_changes_new (project_id, device_id, change_number, component, kind, recorded_at)
        select projects.id, removed.device_id, 9223372036854775807, '', 'device_removed', %(now)s::timestamptz
          from unnest(%(device_ids)s::uuid[]) as removed (device_id)
          join projects
            on projects.id = %(project_id)s
           and projects.deleted_at is null
            on conflict (project_id, device_id, change_number, component) do nothing
        """,
        {"project_id": project_id, "device_ids": list(device_ids), "now": now},
    )


async def list_changes(
    conn: Connection, project_id: uuid.UUID, query: FirmwareChangesQuery, after: int
) -> list[FirmwareChange]:
    """The changes after a number that the query asks for, in their order.

    Without filters the numbers of a page are known: there are no gaps.
    """
    async with conn.cursor(row_factory=rows(FirmwareChange)) as cur:
        await cur.execute(
            f"""
            select number, kind, device_id, nullif(component, '') as component,
                   case when component <> '' then change_number end as change_number,
                   period_id, version, previous_version, first_reported_at, tie_rank, silent_since, ended_at,
                   recorded_at
              from firmware_changes
             where project_id = %(project_id)s
               and number > %(after)s
               and number <= %(until)s
               and (%(component)s::text is null or component = %(component)s or component = '')
               and (%(kinds)s::text[] = '{{}}'::text[] or kind = any(%(kinds)s))
               and (%(device_id)s::uuid is null or device_id = %(device_id)s)
               and (
                       %(all_labels)s
                       or kind = 'device_removed'
                       or device_id in (
                              select id
                                from devices
                               where project_id = %(project_id)s
                                 and {LABELLED}
                          )
                   )
             order by number
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {
                "project_id": project_id,
                "after": after,
                "until": _MOST if _is_filtered(query) else after + query.limit,
                "limit": query.limit,
                "component": query.component,
                "kinds": query.kind.split(",") if query.kind else [],
                "device_id": query.device_id,
                **Labelled(query.labels).parameters,
            },
            prepare=False,
        )
        return await cur.fetchall()


async def delete_left_of_device(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> None:
    """Delete what a report that was on its way left of a device whose whole project is gone."""
    await conn.execute(
        """
        delete from firmware_changes_new
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and not exists (select 1 from projects where id = %(project_id)s)
        """,
        {"project_id": project_id, "device_id": device_id},
    )


def _is_filtered(query: FirmwareChangesQuery) -> bool:
    return any(one is not None for one in (query.component, query.kind, query.device_id, query.labels))


_MOST = 2**63 - 1
