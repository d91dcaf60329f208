"""How versions spread over time, and how one of them came and went."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_server.db import Connection, one, rows
from firmtrail_server.history.spans import span_bounds
from firmtrail_server.queries.counted import COUNTED, IN_STATE, Counted


@attrs.frozen(kw_only=True)
class Dwell:
    """How long a version stayed where it was replaced."""

    median_seconds: float | None
    replaced: int


async def count_over_time(
    conn: Connection, project_id: uuid.UUID, counted: Counted, moments: Sequence[dt.datetime]
) -> list[tuple[str, int, int]]:
    """By how many devices each version grew or shrank, for each moment at which it did: (version, moment, change).

    A moment is its place among `moments`. A retired device counts until it was retired.
    """
    cur = await conn.execute(
        f"""
        select version, moment, sum(change)::int8 as change
          from (
                select version, opened, closed, count(*) as devices
                  from (
                        select ran.version,
                               width_bucket(ran.since - interval '1 microsecond', %(moments)s::timestamptz[]) as opened,
                               coalesce(
                                   width_bucket(least(ran.superseded_at, retired.retired_at) - interval '1 microsecond',
                                                %(moments)s::timestamptz[]),
                                   %(moment_count)s
                               ) as closed
                          from (
                                select periods.device_id, periods.version, periods.first_reported_at as since,
                                       periods.superseded_at
                                  from unnest(%(components)s::text[]) as wanted (component)
                                 cross join unnest(%(spans)s::int2[], %(lower_bounds)s::timestamptz[])
                                       as class (span, lower_bound)
                                  join device_firmware_periods as periods
                                    on periods.project_id = %(project_id)s
                                   and periods.component = wanted.component
                                   and periods.span = class.span
                                   and periods.first_reported_at > class.lower_bound
                                   and periods.first_reported_at <= %(last)s
                                   and periods.superseded_at > %(first)s
                                   and periods.version <> ''
                                 union all
                                select device_id, version, since, null
                                  from device_versions
                                 where project_id = %(project_id)s
                                   and component = any(%(components)s)
                                   and since <= %(last)s
                               ) as ran
                          left join devices as retired
                            on retired.project_id = %(project_id)s
                           and retired.id = ran.device_id
                           and retired.retired_at is not null
                         where {COUNTED}
                        offset 0  -- or each row is put into its buckets twice, for `where` and for `group by`
                       ) as seen
                 where opened < closed
                 group by version, opened, closed
               ) as runs
         cross join lateral (values (opened, devices), (closed, -devices)) as edge (moment, change)
         group by version, moment
        """,  # noqa: S608  its parts are literals
        {
            "project_id": project_id,
            **counted.parameters,
            **span_bounds(moments[0]),
            "first": moments[0],
            "last": moments[-1],
            "moments": list(moments),
            "moment_count": len(moments),
        },
        prepare=False,
    )
    return await cur.fetchall()


async def list_first_starts(
    conn: Connection, project_id: uuid.UUID, counted: Counted, version: str, at: dt.datetime
) -> list[dt.datetime]:
    """When each device that had the component at a moment first had a version, if by then; in order."""
    cur = await conn.execute(
        f"""
        select min(ran.since) as first_at
          from (
                select periods.device_id, periods.first_reported_at as since
                  from unnest(%(components)s::text[]) as wanted (component)
                  join device_firmware_periods as periods
                    on periods.project_id = %(project_id)s
                   and periods.component = wanted.component
                   and periods.version = %(version)s
                   and periods.superseded_at > periods.first_reported_at
                   and periods.first_reported_at <= %(at)s
                 union all
                select running.device_id, running.since
                  from unnest(%(components)s::text[]) as wanted (component)
                  join device_versions as running
                    on running.project_id = %(project_id)s
                   and running.component = wanted.component
                   and running.version = %(version)s
                   and running.since <= %(at)s
               ) as ran
         where {COUNTED}
           and {IN_STATE}
         group by ran.device_id
         order by first_at
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **counted.parameters, "version": version, "at": at},
        prepare=False,
    )
    return [row[0] for row in await cur.fetchall()]


async def get_dwell(conn: Connection, project_id: uuid.UUID, counted: Counted, version: str, at: dt.datetime) -> Dwell:
    """How long a version stayed on devices where it was replaced by a moment."""
    async with conn.cursor(row_factory=rows(Dwell)) as cur:
        await cur.execute(
            f"""
            select percentile_cont(0.5) within group (
                       order by extract(epoch from ran.superseded_at - ran.first_reported_at)::float8
                   ) as median_seconds,
                   count(*) as replaced
              from unnest(%(components)s::text[]) as wanted (component)
              join device_firmware_periods as ran
                on ran.project_id = %(project_id)s
               and ran.component = wanted.component
               and ran.version = %(version)s
               and ran.superseded_at > ran.first_reported_at
               and ran.superseded_at <= %(at)s
             where {COUNTED}
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters, "version": version, "at": at},
            prepare=False,
        )
        return await one(cur)


async def count_successors(
    conn: Connection, project_id: uuid.UUID, counted: Counted, version: str, at: dt.datetime
) -> list[tuple[str, int]]:
    """By which versions a version was replaced until a moment, and how often: (version, times)."""
    cur = await conn.execute(
        f"""
        select following.version, count(*) as times
          from unnest(%(components)s::text[]) as wanted (component)
          join device_firmware_periods as ran
            on ran.project_id = %(project_id)s
           and ran.component = wanted.component
           and ran.version = %(version)s
           and ran.superseded_at > ran.first_reported_at
           and ran.superseded_at <= %(at)s
         cross join lateral (
                (select version
                   from device_firmware_periods
                  where device_id = ran.device_id
                    and first_reported_at = ran.superseded_at
                    and component = ran.component
                    and superseded_at > first_reported_at
                    and version <> ''
                  limit 1)
                  union all
                (select version
                   from device_firmware
                  where device_id = ran.device_id
                    and component = ran.component
                    and first_reported_at = ran.superseded_at
                    and version <> ''
                  limit 1)
               ) as following
         where {COUNTED}
         group by following.version
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **counted.parameters, "version": version, "at": at},
        prepare=False,
    )
    return await cur.fetchall()
