"""The silences of a project, page by page, the longest first. Who finds them is in silences.py."""

from __future__ import annotations

import uuid

import attrs

from firmtrail_contract import SilentDevice, SilentDeviceQuery
from firmtrail_server.db import Connection, rows
from firmtrail_server.db.keyset import EARLIEST, LOWEST_ID, Keyset, Position
from firmtrail_server.queries.counted import LABELLED, Labelled

KEYSET = Keyset("silent_devices", {"silent_since": EARLIEST, "device_id": LOWEST_ID})


async def list_silent_devices(
    conn: Connection, project_id: uuid.UUID, query: SilentDeviceQuery, after: Position, limit: int
) -> list[SilentDevice]:
    """The project's silences that the query asks for, by their beginning. A retired device has none."""
    async with conn.cursor(row_factory=rows(SilentDevice)) as cur:
        await cur.execute(
            f"""
            select silence.device_id, devices.name, devices.labels, silence.silent_since, silence.ended_at,
                   reports.last_reported_at, reports.cadence_seconds,
                   reports.last_reported_at is null as never_reported
              from device_silences as silence
              join devices
                on devices.id = silence.device_id
               and devices.project_id = %(project_id)s
               and devices.retired_at is null
              left join lateral (
                       select max(last_reported_at) as last_reported_at,
                              max(greatest(cadence, interval_seconds::float8)) as cadence_seconds
                         from device_firmware
                        where device_id = silence.device_id
                   ) as reports on true
             where silence.project_id = %(project_id)s
               and (silence.silent_since, silence.device_id) > (%(silent_since)s, %(device_id)s)
               and (%(state)s = 'any' or (silence.ended_at is not null) = (%(state)s = 'ended'))
               and (%(silent_since_from)s::timestamptz is null or silence.silent_since >= %(silent_since_from)s)
               and (%(silent_since_before)s::timestamptz is null or silence.silent_since < %(silent_since_before)s)
               and (%(ended_from)s::timestamptz is null or silence.ended_at >= %(ended_from)s)
               and (%(ended_before)s::timestamptz is null or silence.ended_at < %(ended_before)s)
               and {LABELLED}
               and (
                       %(component)s::text is null
                       or exists (
                              select 1
                                from device_firmware
                               where device_id = silence.device_id
                                 and component = %(component)s
                          )
                   )
             order by silence.silent_since, silence.device_id
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {
                "project_id": project_id,
                "limit": limit,
                **after,
                **attrs.asdict(query),
                **Labelled(query.labels).parameters,
            },
            prepare=False,
        )
        return await cur.fetchall()
