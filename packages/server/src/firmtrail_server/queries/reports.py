"""Storing reports: the one statement that nearly every report ends in."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_server.db import Connection, array, rows
from firmtrail_server.meaning import Report


@attrs.frozen(kw_only=True)
class Recorded:
    """What the statement made of an observation."""

    #: the observation's own
    period_id: uuid.UUID
    project_id: uuid.UUID
    observed_at: dt.datetime
    #: None: its report is late, and nothing of it is stored
    outcome: ReportOutcome | None


async def record_latest(conn: Connection, reports: Sequence[Report]) -> dict[uuid.UUID, Recorded]:
    """Store reports that are newer than what is known; no two may be of one component of a device.

    Opens the first period of a component, extends the open one, or closes it and opens the next. A report of which any
    part is late is left alone whole. Reports whose key is not alive are missing from the answer. The key is what tells
    the project, so the statement takes none.

    What is written is worked out from what was read, which is right at SERIALIZABLE only.
    """
    observations = [(number, report, seen) for number, report in enumerate(reports) for seen in report.observations]
    async with conn.cursor(row_factory=rows(Recorded)) as cur:
        await cur.execute(
            """
            with input as (
                select report, api_key_id, device_id, component, version,
                       observed_at, from_server, received_at, period_id
                  from unnest(
                           %(reports)s::int8[], %(api_key_ids)s::uuid[], %(device_ids)s::uuid[],
                           %(components)s::text[], %(versions)s::text[],
                           %(moments)s::timestamptz[], %(from_server)s::bool[], %(received)s::timestamptz[],
                           %(period_ids)s::uuid[]
                       ) as input (
                           report, api_key_id, device_id, component, version,
                           observed_at, from_server, received_at, period_id
                       )
            ),
            placed as (
                select input.device_id, input.component, input.version, input.received_at, input.period_id,
                       api_keys.project_id,
                       case when input.from_server
                            then greatest(input.observed_at, known.last_reported_at)
                            else input.observed_at
                       end as observed_at,
                       bool_and(known.last_reported_at is null
                                or input.from_server
                                or input.observed_at > known.last_reported_at)
                           over (partition by input.report) as latest,
                       input.version = known.version as repeated,
                       known.period_id as known_period_id,
                       known.version as known_version,
                       known.first_reported_at as known_first,
                       known.last_reported_at as known_last,
                       known.report_count as known_count,
                       known.recorded_at as known_recorded_at,
                       known.tie_rank as known_tie_rank
                  from input
                  join api_keys
                    on api_keys.id = input.api_key_id
                   and api_keys.device_id = input.device_id
                   and (api_keys.expires_at is null or api_keys.expires_at > input.received_at)
                  left join device_firmware as known
                    on known.device_id = input.device_id
                   and known.component = input.component
            ),
            opened_or_extended as (
                insert into device_firmware (
                           device_id, component, project_id, version, last_reported_at,
                           period_id, first_reported_at, report_count, recorded_at, tie_rank
                       )
                select device_id, component, project_id, version, observed_at,
                       case when repeated then known_period_id else period_id end,
                       case when repeated then known_first else observed_at end,
                       case when repeated then known_count + 1 else 1 end,
                       case when repeated then known_recorded_at else received_at end,
                       case when repeated then known_tie_rank
                            when observed_at = known_first then known_tie_rank + 1
                            else 0
                       end
                  from placed
                 where latest
                    on conflict (device_id, component) do update
                   set version = excluded.version,
                       last_reported_at = excluded.last_reported_at,
                       period_id = excluded.period_id,
                       first_reported_at = excluded.first_reported_at,
                       report_count = excluded.report_count,
                       recorded_at = excluded.recorded_at,
                       tie_rank = excluded.tie_rank
            ),
            closed as (
                insert into device_firmware_periods (
                           device_id, first_reported_at, component, period_id, project_id, version,
                           last_reported_at, superseded_at, report_count, recorded_at, tie_rank
                       )
                select device_id, known_first, component, known_period_id, project_id, known_version,
                       known_last, observed_at, known_count, known_recorded_at, known_tie_rank
                  from placed
                 where latest
                   and not repeated
            )
            select period_id, project_id, observed_at,
                   case when latest and repeated then 'extended'
                        when latest then 'opened'
                        when repeated and observed_at between known_first and known_last then 'known'
                   end as outcome
              from placed
            """,
            {
                "reports": array(str(number) for number, _, _ in observations),
                "api_key_ids": array(str(report.api_key_id) for _, report, _ in observations),
                "device_ids": array(str(seen.device_id) for _, _, seen in observations),
                "components": array(seen.component for _, _, seen in observations),
                "versions": array(seen.version for _, _, seen in observations),
                "moments": array(seen.observed_at.isoformat() for _, _, seen in observations),
                "from_server": array(
                    str(seen.observed_at_source is ObservedAtSource.SERVER) for _, _, seen in observations
                ),
                "received": array(seen.received_at.isoformat() for _, _, seen in observations),
                "period_ids": array(str(seen.period_id) for _, _, seen in observations),
            },
        )
        return {recorded.period_id: recorded for recorded in await cur.fetchall()}
