"""A project's devices at a glance, but for their versions: those are in firmware_versions.py."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import LatestChange
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.history.spans import SPANS
from firmtrail_server.queries.counted import COUNTED, LABELLED, Counted


@attrs.frozen(kw_only=True)
class DeviceCounts:
    """How many devices a project has, in service and out of it; and of those in service, how many are silent."""

    devices: int
    retired: int
    two_machines: int
    #: also those that have never reported
    silent: int
    never_reported: int


async def count_devices(conn: Connection, project_id: uuid.UUID, counted: Counted) -> DeviceCounts:
    """Count a project's devices, and those in service that are silent: one that never reported, since registered."""
    async with conn.cursor(row_factory=rows(DeviceCounts)) as cur:
        await cur.execute(
            f"""
            select count(*) filter (where retired_at is null) as devices,
                   count(*) filter (where retired_at is not null) as retired,
                   count(*) filter (where two_machines_since is not null) as two_machines,
                   count(silence.device_id) filter (where retired_at is null) as silent,
                   count(*) filter (where retired_at is null and silence.silent_since = devices.created_at)
                       as never_reported
              from devices
              left join device_silences as silence
                on silence.project_id = %(project_id)s
               and silence.device_id = devices.id
               and silence.ended_at is null
             where devices.project_id = %(project_id)s
               and {LABELLED}
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters},
            prepare=False,
        )
        return await one(cur)


async def find_first_report(conn: Connection, project_id: uuid.UUID, components: Sequence[str]) -> dt.datetime | None:
    """When the first version period of some components began, a step of an index for each component and span."""
    cur = await conn.execute(
        """
        select min(since)
          from (
                select first.since
                  from unnest(%(components)s::text[]) as wanted (component)
                 cross join unnest(%(spans)s::int2[]) as class (span)
                 cross join lateral (
                        select first_reported_at as since
                          from device_firmware_periods
                         where project_id = %(project_id)s
                           and component = wanted.component
                           and span = class.span
                           and version <> ''
                         order by first_reported_at
                         limit 1
                       ) as first
                 union all
                select min(since)
                  from device_versions
                 where project_id = %(project_id)s
                   and component = any(%(components)s)
               ) as found
        """,
        {"project_id": project_id, "components": list(components), "spans": [*SPANS]},
        prepare=False,
    )
    row = await cur.fetchone()
    assert row is not None
    return row[0]


async def list_latest_changes(
    conn: Connection, project_id: uuid.UUID, counted: Counted, limit: int
) -> list[LatestChange]:
    """The components that began to run their versions last."""
    async with conn.cursor(row_factory=rows(LatestChange)) as cur:
        await cur.execute(
            f"""
            select running.device_id, devices.name as device_name, running.component, running.version, running.since
              from (
                    select device_id, component, version, since
                      from device_versions as ran
                     where project_id = %(project_id)s
                       and {COUNTED}
                     order by since desc, device_id, component
                     limit %(limit)s
                   ) as running
              join devices
                on devices.project_id = %(project_id)s
               and devices.id = running.device_id
             order by running.since desc, running.device_id, running.component
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters, "limit": limit},
            prepare=False,
        )
        return await cur.fetchall()
