"""What components run and ran, read back."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

from firmtrail_contract import HistoryQuery
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.db.keyset import EARLIEST, LATEST, Keyset, Position
from firmtrail_server.history.moment_sources import StoredPeriod

KEYSET = Keyset("history", {"first_reported_at": EARLIEST, "component": "", "tie_rank": 0})
NEWEST_FIRST = Keyset("history, newest first", {"first_reported_at": LATEST, "component": "", "tie_rank": 0})


async def last_reported_at(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID) -> dt.datetime | None:
    """The last moment that any report of a device counts for; None: there is no report."""
    cur = await conn.execute(
        """
        select max(last_reported_at)
          from device_firmware
         where project_id = %(project_id)s
           and device_id = %(device_id)s
        """,
        {"project_id": project_id, "device_id": device_id},
    )
    return (await one(cur))[0]


async def live_since(
    conn: Connection, project_id: uuid.UUID, device_ids: Collection[uuid.UUID], max_lateness: dt.timedelta
) -> dict[uuid.UUID, dt.datetime | None]:
    """Of each device, the first moment of its reports that was not older than that when the server learned of it."""
    cur = await conn.execute(
        """
        select device_id,
               min(case when first_reported_at >= recorded_at - %(max_lateness)s then first_reported_at
                        when last_reported_at >= recorded_at - %(max_lateness)s then last_reported_at
                   end)
          from (
                select project_id, device_id, first_reported_at, last_reported_at, recorded_at
                  from device_firmware_periods
                 union all
                select project_id, device_id, first_reported_at, last_reported_at, recorded_at
                  from device_firmware
               ) as periods
         where project_id = %(project_id)s
           and device_id = any(%(device_ids)s)
         group by device_id
        """,
        {"project_id": project_id, "device_ids": list(device_ids), "max_lateness": max_lateness},
    )
    return dict(await cur.fetchall())


async def has_reported(conn: Connection, device_id: uuid.UUID) -> bool:
    """Whether there is any report of a device. It is asked by the device itself, so no project is taken."""
    cur = await conn.execute(
        "select 1 from device_firmware where device_id = %(device_id)s limit 1", {"device_id": device_id}
    )
    return await cur.fetchone() is not None


async def list_periods(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, query: HistoryQuery, after: Position
) -> list[StoredPeriod]:
    """A device's version periods, of the query's component or of all, by their first report: one more than a page."""
    async with conn.cursor(row_factory=rows(StoredPeriod)) as cur:
        await cur.execute(
            """
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   superseded_at, recorded_at, tie_rank
              from (
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, superseded_at, recorded_at, tie_rank
                      from device_firmware_periods
                     union all
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, null, recorded_at, tie_rank
                      from device_firmware
                   ) as periods
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and (%(only)s::text is null or component = %(only)s)
               and version <> ''
               and (%(until)s::timestamptz is null or first_reported_at <= %(until)s)
               and (first_reported_at, component, tie_rank)
                   > (%(first_reported_at)s, %(component)s, %(tie_rank)s)
             order by first_reported_at, component, tie_rank
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "device_id": device_id,
                "only": query.component,
                "until": query.until,
                "limit": query.page_size + 1,
                **after,
            },
        )
        return await cur.fetchall()


async def list_newest_periods(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, query: HistoryQuery, after: Position
) -> list[StoredPeriod]:
    """A device's version periods, of the query's component or of all, the newest first: one more than a page."""
    async with conn.cursor(row_factory=rows(StoredPeriod)) as cur:
        await cur.execute(
            """
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   superseded_at, recorded_at, tie_rank
              from (
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, superseded_at, recorded_at, tie_rank
                      from device_firmware_periods
                     union all
                    select project_id, device_id, period_id, component, version, first_reported_at, last_reported_at,
                           report_count, null, recorded_at, tie_rank
                      from device_firmware
                   ) as periods
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and (%(only)s::text is null or component = %(only)s)
               and version <> ''
               and (%(until)s::timestamptz is null or first_reported_at <= %(until)s)
               and (first_reported_at, component, tie_rank)
                   < (%(first_reported_at)s, %(component)s, %(tie_rank)s)
             order by first_reported_at desc, component desc, tie_rank desc
             limit %(limit)s
            """,
            {
                "project_id": project_id,
                "device_id": device_id,
                "only": query.component,
                "until": query.until,
                "limit": query.page_size + 1,
                **after,
            },
        )
        return await cur.fetchall()


async def list_in_force(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, component: str | None, at: dt.datetime
) -> list[StoredPeriod]:
    """The periods of a device that were in force at a moment, by component: of each at most one."""
    async with conn.cursor(row_factory=rows(StoredPeriod)) as cur:
        await cur.execute(
            """
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   superseded_at, recorded_at
              from device_firmware_periods
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and first_reported_at <= %(at)s
               and superseded_at > %(at)s
               and version <> ''
               and (%(component)s::text is null or component = %(component)s)
             union all
            select period_id as id, component, version, first_reported_at, last_reported_at, report_count,
                   null, recorded_at
              from device_firmware
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and first_reported_at <= %(at)s
               and version <> ''
               and (%(component)s::text is null or component = %(component)s)
             order by component
            """,
            {"project_id": project_id, "device_id": device_id, "component": component, "at": at},
        )
        return await cur.fetchall()
