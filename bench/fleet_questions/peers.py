"""The straightforward SQL that each question is compared with: over the tables that reports write, and their keys.

They are what somebody would write into psql. `device_firmware_periods` holds what ran before, `device_firmware` what
runs now; a component that is null stands for all, labels that are empty as well.
"""
# ruff: noqa: S608  the statements are put together from texts of this file

from __future__ import annotations

from typing import LiteralString

VERSIONS_NOW = """
    select component, version, count(*)
      from device_firmware
     where project_id = %(project_id)s
       and (%(component)s::text is null or component = %(component)s)
       and (%(labels)s::jsonb = '{}' or device_id in (select id from devices where labels @> %(labels)s))
     group by component, version
"""

_EVER = """
    select project_id, device_id, component, version, first_reported_at, superseded_at
      from device_firmware_periods
     union all
    select project_id, device_id, component, version, first_reported_at, 'infinity'
      from device_firmware
"""

VERSIONS_THEN: LiteralString = f"""
    select component, version, count(*)
      from ({_EVER}) as ever
     where project_id = %(project_id)s
       and (%(component)s::text is null or component = %(component)s)
       and first_reported_at <= %(at)s
       and superseded_at > %(at)s
       and (%(labels)s::jsonb = '{{}}' or device_id in (select id from devices where labels @> %(labels)s))
     group by component, version
"""

RUNNERS_NOW = """
    select name
      from devices
     where project_id = %(project_id)s
       and name > %(after)s
       and exists (
               select from device_firmware
                where device_id = devices.id
                  and component = %(component)s
                  and version = %(version)s
           )
     order by name
     limit %(limit)s
"""

RUNNERS_THEN: LiteralString = f"""
    select name
      from devices
     where project_id = %(project_id)s
       and name > %(after)s
       and exists (
               select from ({_EVER}) as ever
                where device_id = devices.id
                  and component = %(component)s
                  and version = %(version)s
                  and first_reported_at <= %(at)s
                  and superseded_at > %(at)s
           )
     order by name
     limit %(limit)s
"""

ADOPTION: LiteralString = f"""
    select number - 1, version, count(*)
      from unnest(%(moments)s::timestamptz[]) with ordinality as asked (moment, number)
      join ({_EVER}) as ever
        on first_reported_at <= moment
       and superseded_at > moment
      join devices
        on devices.id = device_id
       and (retired_at is null or retired_at > moment)
     where ever.project_id = %(project_id)s
       and component = %(component)s
     group by number, version
"""

HISTORY: LiteralString = f"""
    select component, version
      from ({_EVER}) as ever
     where project_id = %(project_id)s
       and device_id = %(device_id)s
       and first_reported_at <= %(at)s
       and superseded_at > %(at)s
"""

#: A device without a cadence is expected once an hour.
SILENT = """
    select devices.id
      from devices
     where project_id = %(project_id)s
       and retired_at is null
       and created_at < now() - interval '1 hour'
       and not exists (
               select from device_firmware
                where device_id = devices.id
                  and heard_at >= now() - greatest(3 * coalesce(cadence, 3600), 900) * interval '1 second'
           )
"""

_COMPLIANCE: LiteralString = """
    select rule.id, count(*), count(version), count(*) filter (where versions ? version)
      from devices
     cross join lateral (
            select distinct on (component) id, component, versions
              from desired_versions
             where desired_versions.project_id = devices.project_id
               and devices.labels @> desired_versions.labels
             order by component, priority desc
           ) as rule
      left join {ran} as ran
        on ran.device_id = devices.id
       and ran.component = rule.component
     where devices.project_id = %(project_id)s
       and (retired_at is null or retired_at > %(at)s)
       and (created_at <= %(at)s or version is not null)
     group by rule.id
"""

COMPLIANCE_NOW: LiteralString = _COMPLIANCE.format(ran="device_firmware")

COMPLIANCE_THEN: LiteralString = _COMPLIANCE.format(
    ran=f"(select * from ({_EVER}) as ever where first_reported_at <= %(at)s and superseded_at > %(at)s)"
)
