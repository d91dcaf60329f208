"""Storing reports: the common one as one statement, and the pieces of the rare late one."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_server.db import Connection, rows
from firmtrail_server.meaning import Observation, Period


@attrs.frozen(kw_only=True)
class Recorded:
    """What the common statement made of an observation."""

    position: int
    observed_at: dt.datetime
    #: None: it is late, its place lies among older periods
    outcome: ReportOutcome | None


async def record_latest(conn: Connection, project_id: uuid.UUID, observations: Sequence[Observation]) -> list[Recorded]:
    """Store observations that are newer than what is known, each of another component.

    Opens the first period of a component, extends the open one, or closes it and opens the next. Leaves late
    observations alone, and says nothing of devices that the project does not have.
    """
    async with conn.cursor(row_factory=rows(Recorded)) as cur:
        await cur.execute(
            """
            with input as (
                select position, device_id, component, version, observed_at, from_server, received_at, period_id
                  from unnest(
                           %(positions)s::int8[], %(device_ids)s::uuid[], %(components)s::text[], %(versions)s::text[],
                           %(moments)s::timestamptz[], %(from_server)s::bool[], %(received)s::timestamptz[],
                           %(period_ids)s::uuid[]
                       ) as input (
                           position, device_id, component, version,
                           observed_at, from_server, received_at,
                           period_id
                       )
            ),
            before as (
                select input.position, input.device_id, input.component, input.version, input.period_id,
                       input.received_at, input.from_server,
                       case when input.from_server
                            then greatest(input.observed_at, known.last_reported_at)
                            else input.observed_at
                       end as observed_at,
                       known.period_id as known_period_id,
                       known.version as known_version,
                       known.first_reported_at as known_first,
                       known.last_reported_at as known_last,
                       known.report_count as known_count,
                       known.recorded_at as known_recorded_at,
                       known.tie_rank as known_tie_rank
                  from input
                  join devices
                    on devices.id = input.device_id
                   and devices.project_id = %(project_id)s
                  left join device_firmware as known
                    on known.device_id = input.device_id
                   and known.component = input.component
            ),
            stored as (
                insert into device_firmware as known (
                           device_id, component, project_id, period_id, version,
                           first_reported_at, last_reported_at, report_count, recorded_at, tie_rank
                       )
                select device_id, component, %(project_id)s::uuid, period_id, version,
                       observed_at, observed_at, 1, received_at, 0
                  from before
                 where known_last is null
                    or observed_at > known_last
                    or from_server
                    on conflict (device_id, component) do update
                   set period_id = case when known.version = excluded.version
                                        then known.period_id else excluded.period_id end,
                       first_reported_at = case when known.version = excluded.version
                                                then known.first_reported_at else excluded.first_reported_at end,
                       report_count = case when known.version = excluded.version
                                           then known.report_count + 1 else 1 end,
                       recorded_at = case when known.version = excluded.version
                                          then known.recorded_at else excluded.recorded_at end,
                       tie_rank = case when known.version = excluded.version then known.tie_rank
                                       when known.first_reported_at = excluded.first_reported_at
                                       then known.tie_rank + 1 else 0 end,
                       last_reported_at = excluded.last_reported_at,
                       version = excluded.version
                returning device_id, component, period_id, first_reported_at
            ),
            closed as (
                insert into device_firmware_periods (
                           device_id, first_reported_at, component, period_id, project_id, version,
                           last_reported_at, superseded_at, report_count, recorded_at, tie_rank
                       )
                select before.device_id, before.known_first, before.component, before.known_period_id,
                       %(project_id)s::uuid, before.known_version,
                       before.known_last, stored.first_reported_at, before.known_count, before.known_recorded_at,
                       before.known_tie_rank
                  from before
                  join stored
                    on stored.device_id = before.device_id
                   and stored.component = before.component
                 where before.known_period_id <> stored.period_id
            )
            select before.position, before.observed_at,
                   case when stored.period_id = before.period_id then 'opened'
                        when stored.period_id is not null then 'extended'
                        when before.version = before.known_version
                             and before.observed_at between before.known_first and before.known_last then 'known'
                   end as outcome
              from before
              left join stored
                on stored.device_id = before.device_id
               and stored.component = before.component
             order by before.position
            """,
            {
                "project_id": project_id,
                "positions": list(range(len(observations))),
                "device_ids": [seen.device_id for seen in observations],
                "components": [seen.component for seen in observations],
                "versions": [seen.version for seen in observations],
                "moments": [seen.observed_at for seen in observations],
                "from_server": [seen.observed_at_source is ObservedAtSource.SERVER for seen in observations],
                "received": [seen.received_at for seen in observations],
                "period_ids": [seen.period_id for seen in observations],
            },
        )
        return await cur.fetchall()


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
