"""Which versions a project's devices run or ran, counted; and which components and versions there are.

What runs now is read from device_versions, what ran at a moment from the closed periods too, by their span.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

import attrs

from firmtrail_server.db import Connection, rows
from firmtrail_server.history.spans import span_bounds
from firmtrail_server.queries.counted import COUNTED, IN_STATE, Counted


@attrs.frozen(kw_only=True)
class CountedVersion:
    """A version of a component, and the devices on which it was in force."""

    component: str
    version: str
    devices: int
    first_since: dt.datetime
    last_since: dt.datetime
    #: the devices of all versions of the component
    component_devices: int
    #: how many rows the answer would have without its limit
    versions: int


#: as a limit: none
ALL: Final = 2**31 - 1


async def list_components(conn: Connection, project_id: uuid.UUID) -> list[str]:
    """Every component that the project's devices have or had, a step of an index each.

    One that is gone from all devices has no row in device_versions, but ran what its closed periods say.
    """
    cur = await conn.execute(
        """
        with recursive found as (
            select least(
                       (select min(component) from device_versions where project_id = %(project_id)s),
                       (select min(component)
                          from device_firmware_periods
                         where project_id = %(project_id)s
                           and version <> '')
                   ) as component
             union all
            select least(
                       (select min(component)
                          from device_versions
                         where project_id = %(project_id)s
                           and component > found.component),
                       (select min(component)
                          from device_firmware_periods
                         where project_id = %(project_id)s
                           and component > found.component
                           and version <> '')
                   )
              from found
             where found.component is not null
        )
        select component
          from found
         where component is not null
         order by component
        """,
        {"project_id": project_id},
        prepare=False,
    )
    return [row[0] for row in await cur.fetchall()]


async def list_versions_now(
    conn: Connection, project_id: uuid.UUID, components: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Every component and version that the project's devices run, a step of an index each."""
    cur = await conn.execute(
        """
        with recursive found as (
            select first.component, first.version
              from unnest(%(components)s::text[]) as wanted (component)
             cross join lateral (
                    select component, version
                      from device_versions
                     where project_id = %(project_id)s
                       and component = wanted.component
                     order by version
                     limit 1
                   ) as first
             union all
            select following.component, following.version
              from found
             cross join lateral (
                    select component, version
                      from device_versions
                     where project_id = %(project_id)s
                       and component = found.component
                       and version > found.version
                     order by version
                     limit 1
                   ) as following
        )
        select component, version
          from found
         limit %(limit)s
        """,
        {"project_id": project_id, "components": list(components), "limit": limit},
        prepare=False,
    )
    return await cur.fetchall()


async def list_versions_ever(
    conn: Connection, project_id: uuid.UUID, components: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Every component and version that closed periods of the project's devices hold, a step of an index each."""
    cur = await conn.execute(
        """
        with recursive found as (
            select first.component, first.version
              from unnest(%(components)s::text[]) as wanted (component)
             cross join lateral (
                    select component, version
                      from device_firmware_periods
                     where project_id = %(project_id)s
                       and component = wanted.component
                       and version <> ''
                     order by version
                     limit 1
                   ) as first
             union all
            select following.component, following.version
              from found
             cross join lateral (
                    select component, version
                      from device_firmware_periods
                     where project_id = %(project_id)s
                       and component = found.component
                       and version > found.version
                     order by version
                     limit 1
                   ) as following
        )
        select component, version
          from found
         limit %(limit)s
        """,
        {"project_id": project_id, "components": list(components), "limit": limit},
        prepare=False,
    )
    return await cur.fetchall()


async def count_now(
    conn: Connection, project_id: uuid.UUID, counted: Counted, now: dt.datetime, limit: int
) -> list[CountedVersion]:
    """Count the devices that run each version; at most `limit` versions, those on most devices.

    Each component is counted by itself: its entries of the index come by version, so that nothing is sorted or hashed.
    """
    async with conn.cursor(row_factory=rows(CountedVersion)) as cur:
        await cur.execute(
            f"""
            select component, version, devices, first_since, last_since,
                   sum(devices) over (partition by component)::int8 as component_devices,
                   count(*) over () as versions
              from unnest(%(components)s::text[]) as wanted (component)
             cross join lateral (
                    select version, count(*) as devices, min(since) as first_since, max(since) as last_since
                      from device_versions as ran
                     where project_id = %(project_id)s
                       and component = wanted.component
                       and {COUNTED}
                       and {IN_STATE}
                     group by version
                   ) as of_component
             order by devices desc, component, version
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters, "at": now, "limit": limit},
            prepare=False,
        )
        return await cur.fetchall()


async def count_at(
    conn: Connection, project_id: uuid.UUID, counted: Counted, at: dt.datetime, limit: int
) -> list[CountedVersion]:
    """Count the devices on which each version was in force at a moment that has passed; else as `count_now`."""
    async with conn.cursor(row_factory=rows(CountedVersion)) as cur:
        await cur.execute(
            f"""
            select component, version, sum(devices)::int8 as devices, min(first_since) as first_since,
                   max(last_since) as last_since,
                   sum(sum(devices)) over (partition by component)::int8 as component_devices,
                   count(*) over () as versions
              from unnest(%(components)s::text[]) as wanted (component)
             cross join lateral (
                    select version, count(*) as devices, min(first_reported_at) as first_since,
                           max(first_reported_at) as last_since
                      from unnest(%(spans)s::int2[], %(lower_bounds)s::timestamptz[]) as class (span, lower_bound)
                      join device_firmware_periods as ran
                        on ran.project_id = %(project_id)s
                       and ran.component = wanted.component
                       and ran.span = class.span
                       and ran.first_reported_at > class.lower_bound
                       and ran.first_reported_at <= %(at)s
                       and ran.superseded_at > %(at)s
                       and ran.version <> ''
                     where {COUNTED}
                       and {IN_STATE}
                     group by version
                     union all
                    select version, count(*), min(since), max(since)
                      from device_versions as ran
                     where project_id = %(project_id)s
                       and component = wanted.component
                       and since <= %(at)s
                       and {COUNTED}
                       and {IN_STATE}
                     group by version
                   ) as of_component
             group by component, version
             order by devices desc, component, version
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters, **span_bounds(at), "at": at, "limit": limit},
            prepare=False,
        )
        return await cur.fetchall()
