"""How versions spread over time, and how one of them came and went."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_server.db import Connection, one, rows
from firmtrail_server.history.spans import span_stretches
from firmtrail_server.queries.counted import COUNTED, IN_STATE, Counted

_MICROSECOND = dt.timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Dwell:
    """How long a version stayed where it was replaced."""

    median_seconds: float | None
    replaced: int


async def count_over_time(
    conn: Connection, project_id: uuid.UUID, counted: Counted, moments: Sequence[dt.datetime]
) -> list[tuple[str, int, int]]:
    """By how many devices each version grew or shrank, for each moment at which it did: (version, moment, change).

    A moment is its place among `moments`. A retired device counts until it was retired. Closed periods are read by
    stretches of their start, so that where each one begins among the moments is known without looking.
    """
    cur = await conn.execute(
        f"""
        with out_of_service as materialized (
            select id, retired_at
              from devices
             where project_id = %(project_id)s
               and retired_at is not null
        )
        select version, moment, sum(change)::int8 as change
          from (
                select of_stretch.version, stretch.first_moment as opened, of_stretch.closed, of_stretch.devices
                  from unnest(%(components)s::text[]) as wanted (component)
                 cross join unnest(%(spans)s::int2[], %(first_moments)s::int4[], %(lower_bounds)s::timestamptz[],
                                   %(upper_bounds)s::timestamptz[])
                       as stretch (span, first_moment, lower_bound, upper_bound)
                 cross join lateral (
                        select ran.version, count(*) as devices,
                               width_bucket(least(ran.superseded_at, retired.retired_at), %(just_after)s::timestamptz[])
                                   as closed
                          from device_firmware_periods as ran
                          left join out_of_service as retired
                            on retired.id = ran.device_id
                         where ran.project_id = %(project_id)s
                           and ran.component = wanted.component
                           and ran.span = stretch.span
                           and ran.first_reported_at > stretch.lower_bound
                           and ran.first_reported_at <= stretch.upper_bound
                           and ran.superseded_at > stretch.upper_bound
                           and ran.version <> ''
                           and {COUNTED}
                         group by ran.version, closed
                       ) as of_stretch
                 union all
                select ran.version, width_bucket(ran.since, %(just_after)s::timestamptz[]) as opened,
                       coalesce(width_bucket(retired.retired_at, %(just_after)s::timestamptz[]), %(moment_count)s)
                           as closed,
                       count(*) as devices
                  from device_versions as ran
                  left join out_of_service as retired
                    on retired.id = ran.device_id
                 where ran.project_id = %(project_id)s
                   and ran.component = any(%(components)s)
                   and ran.since <= %(last)s
                   and {COUNTED}
                 group by ran.version, opened, closed
               ) as runs
         cross join lateral (values (opened, devices), (closed, -devices)) as edge (moment, change)
         where opened < closed
         group by version, moment
        """,  # noqa: S608  its parts are literals
        {
            "project_id": project_id,
            **counted.parameters,
            **span_stretches(moments),
            "last": moments[-1],
            "just_after": [at + _MICROSECOND for at in moments],  # an edge at a moment does not come before it
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
