"""Storing reports: the one statement that nearly every report ends in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from firmtrail_contract import ObservedAtSource, ReportOutcome
from firmtrail_server.db import Run, array, text_array
from firmtrail_server.meaning import Report


class Recorded(NamedTuple):
    """What the statement made of an observation."""

    observed_at: dt.datetime
    #: None: its report is late, and nothing of it is stored
    outcome: ReportOutcome | None


async def record_latest(run: Run, reports: Sequence[Report]) -> list[Recorded | None]:
    """Store reports that are newer than what is known; no two may be of one component of a device.

    Opens the first period of a component, extends the open one, or closes it and opens the next. A report of which any
    part is late is left alone whole. The key is what tells the device and the project, so the statement takes neither.
    The server's moment of all of them is that of the last.

    What is written is worked out from what was read, which is right at SERIALIZABLE only.

    Returns:
        What became of each observation, report by report; None where the key is not alive.
    """
    observations = [(number, report, seen) for number, report in enumerate(reports) for seen in report.observations]
    rows = await run(
        """
        with input as (
            select position, report, api_key_id, component, version, observed_at
              from unnest(
                       %(reports)s::int8[], %(api_key_ids)s::uuid[],
                       %(components)s::text[], %(versions)s::text[], %(moments)s::timestamptz[]
                   ) with ordinality as input (report, api_key_id, component, version, observed_at, position)
        ),
        placed as (
            select input.position, api_keys.device_id, api_keys.project_id, input.component, input.version,
                   coalesce(input.observed_at, greatest(%(received_at)s::timestamptz, known.last_reported_at))
                       as observed_at,
                   bool_and(known.last_reported_at is null
                            or input.observed_at is null
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
               and api_keys.device_id is not null
               and (api_keys.expires_at is null or api_keys.expires_at > %(received_at)s::timestamptz)
              left join device_firmware as known
                on known.device_id = api_keys.device_id
               and known.component = input.component
        ),
        opened_or_extended as (
            insert into device_firmware (
                       device_id, component, project_id, version, last_reported_at,
                       period_id, first_reported_at, report_count, recorded_at, tie_rank
                   )
            select device_id, component, project_id, version, observed_at,
                   case when repeated then known_period_id else gen_random_uuid() end,
                   case when repeated then known_first else observed_at end,
                   case when repeated then known_count + 1 else 1 end,
                   case when repeated then known_recorded_at else %(received_at)s::timestamptz end,
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
        select position::text, observed_at::text,
               case when latest and repeated then 'extended'
                    when latest then 'opened'
                    when repeated and observed_at between known_first and known_last then 'known'
               end as outcome
          from placed
        """,
        {
            "reports": array([str(number) for number, _, _ in observations]),
            "api_key_ids": array([report.api_key_id.hex for _, report, _ in observations]),
            "components": text_array(seen.component for _, _, seen in observations),
            "versions": text_array(seen.version for _, _, seen in observations),
            "moments": array(
                [
                    "null" if seen.observed_at_source is ObservedAtSource.SERVER else seen.observed_at.isoformat()
                    for _, _, seen in observations
                ]
            ),
            "received_at": max([seen.received_at for _, _, seen in observations]).isoformat(),
        },
    )
    recorded: list[Recorded | None] = [None] * len(observations)
    for position, observed_at, outcome in rows:
        assert position is not None
        assert observed_at is not None
        recorded[int(position) - 1] = Recorded(dt.datetime.fromisoformat(observed_at), _OUTCOMES.get(outcome))
    return recorded


_OUTCOMES: dict[str | None, ReportOutcome] = {outcome.value: outcome for outcome in ReportOutcome}
