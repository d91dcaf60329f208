"""The periods around a late report: found, and written back as they are now."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_server.db import Connection, rows
from firmtrail_server.meaning import Period


async def find_open_period(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, component: str
) -> Period | None:
    async with conn.cursor(row_factory=rows(Period)) as cur:
        await cur.execute(
            """
            select period_id, version, first_reported_at, last_reported_at, report_count,
                   null::timestamptz as superseded_at, recorded_at, tie_rank
              from device_firmware
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and component = %(component)s
            """,
            {"project_id": project_id, "device_id": device_id, "component": component},
        )
        return await cur.fetchone()


async def closed_periods_around(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, component: str, at: dt.datetime
) -> list[Period]:
    """The nearest closed period that begins before `at`, all that begin at it, and the nearest that begins after."""
    async with conn.cursor(row_factory=rows(Period)) as cur:
        await cur.execute(
            """
            select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at, recorded_at,
                   tie_rank
              from (
                    (select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = %(device_id)s
                        and component = %(component)s
                        and first_reported_at < %(at)s
                      order by first_reported_at desc, tie_rank desc
                      limit 1)
                     union all
                     select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = %(device_id)s
                        and component = %(component)s
                        and first_reported_at = %(at)s
                     union all
                    (select period_id, version, first_reported_at, last_reported_at, report_count, superseded_at,
                            recorded_at, tie_rank
                       from device_firmware_periods
                      where project_id = %(project_id)s
                        and device_id = %(device_id)s
                        and component = %(component)s
                        and first_reported_at > %(at)s
                      order by first_reported_at, tie_rank
                      limit 1)
                   ) as around
             order by first_reported_at, tie_rank
            """,
            {"project_id": project_id, "device_id": device_id, "component": component, "at": at},
        )
        return await cur.fetchall()


async def delete_closed_periods(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, periods: Sequence[Period]
) -> None:
    await conn.execute(
        """
        delete from device_firmware_periods
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and first_reported_at = any(%(moments)s)
           and period_id = any(%(period_ids)s)
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "moments": [period.first_reported_at for period in periods],
            "period_ids": [period.period_id for period in periods],
        },
    )


async def insert_closed_period(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, component: str, period: Period
) -> None:
    await conn.execute(
        """
        insert into device_firmware_periods (
                   device_id, first_reported_at, component, period_id, project_id, version,
                   last_reported_at, superseded_at, report_count, recorded_at, tie_rank
               )
        values (%(device_id)s, %(first_reported_at)s, %(component)s, %(period_id)s, %(project_id)s, %(version)s,
                %(last_reported_at)s, %(superseded_at)s, %(report_count)s, %(recorded_at)s, %(tie_rank)s)
        """,
        {"project_id": project_id, "device_id": device_id, "component": component, **attrs.asdict(period)},
    )


async def update_open_period(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, component: str, period: Period
) -> None:
    await conn.execute(
        """
        update device_firmware
           set period_id = %(period_id)s,
               version = %(version)s,
               first_reported_at = %(first_reported_at)s,
               last_reported_at = %(last_reported_at)s,
               report_count = %(report_count)s,
               recorded_at = %(recorded_at)s,
               tie_rank = %(tie_rank)s
         where project_id = %(project_id)s
           and device_id = %(device_id)s
           and component = %(component)s
        """,
        {"project_id": project_id, "device_id": device_id, "component": component, **attrs.asdict(period)},
    )
