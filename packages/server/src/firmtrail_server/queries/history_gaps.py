"""Gaps in histories: where records of a device were lost."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from firmtrail_contract import HistoryGap
from firmtrail_server.db import Connection, rows


async def insert(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, gaps: Sequence[HistoryGap]) -> None:
    """Store gaps, unless they are known. One without a beginning begins with the last report before it."""
    await conn.execute(
        """
        insert into device_history_gaps (device_id, ended_at, project_id, began_at, records)
        select %(device_id)s::uuid, ended_at, %(project_id)s::uuid,
               coalesce(
                   began_at,
                   (
                       select max(last_reported_at)
                         from device_firmware
                        where project_id = %(project_id)s::uuid
                          and device_id = %(device_id)s::uuid
                          and last_reported_at <= gaps.ended_at
                   )
               ),
               records
          from unnest(%(beginnings)s::timestamptz[], %(ends)s::timestamptz[], %(counts)s::int8[])
            as gaps (began_at, ended_at, records)
            on conflict (device_id, ended_at) do nothing
        """,
        {
            "project_id": project_id,
            "device_id": device_id,
            "beginnings": [gap.began_at for gap in gaps],
            "ends": [gap.ended_at for gap in gaps],
            "counts": [gap.records for gap in gaps],
        },
    )


async def list_between(
    conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, after: dt.datetime, until: dt.datetime
) -> list[HistoryGap]:
    """The gaps of a device that ended after one moment, and not after another."""
    async with conn.cursor(row_factory=rows(HistoryGap)) as cur:
        await cur.execute(
            """
            select began_at, ended_at, records
              from device_history_gaps
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and ended_at > %(after)s
               and ended_at <= %(until)s
             order by ended_at
            """,
            {"project_id": project_id, "device_id": device_id, "after": after, "until": until},
        )
        return await cur.fetchall()


async def list_at(conn: Connection, project_id: uuid.UUID, device_id: uuid.UUID, at: dt.datetime) -> list[HistoryGap]:
    """The gaps of a device that a moment lies in: more than one only where records came in another order."""
    async with conn.cursor(row_factory=rows(HistoryGap)) as cur:
        await cur.execute(
            """
            select began_at, ended_at, records
              from device_history_gaps
             where project_id = %(project_id)s
               and device_id = %(device_id)s
               and (began_at is null or began_at < %(at)s)
               and ended_at > %(at)s
             order by ended_at
            """,
            {"project_id": project_id, "device_id": device_id, "at": at},
        )
        return await cur.fetchall()
