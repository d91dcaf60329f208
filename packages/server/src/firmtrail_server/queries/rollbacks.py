"""Changes of versions in a stretch of time: which there were, and on which devices.

A period of no length was in force at no moment, so a change is from one version that was in force to the next.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

import attrs

from firmtrail_contract import Rollback
from firmtrail_server.db import Connection, rows
from firmtrail_server.db.keyset import HIGHEST_ID, LATEST, Keyset, Position
from firmtrail_server.history.spans import SPANS
from firmtrail_server.queries.counted import COUNTED, Counted

KEYSET = Keyset("rollbacks", {"at": LATEST, "device_id": HIGHEST_ID, "component": ""})


@attrs.frozen(kw_only=True)
class ChangedOften:
    """A component of a device that changed often, and the versions that it changed to, in order."""

    device_id: uuid.UUID
    device_name: str
    component: str
    moments: list[dt.datetime]
    versions: list[str]
    #: what it had run before the first of them
    versions_before: list[str]


@attrs.frozen(kw_only=True)
class Changes:
    """The changes of what is counted, from one moment to another, both included."""

    counted: Counted
    since: dt.datetime
    until: dt.datetime
    #: of these alone: component, from version, to version
    pairs: Sequence[tuple[str, str, str]] = ()

    @property
    def parameters(self) -> dict[str, object]:
        return {
            **self.counted.parameters,
            "spans": [*SPANS],
            "since": self.since,
            "until": self.until,
            "of_components": [component for component, _, _ in self.pairs],
            "from_versions": [version for _, version, _ in self.pairs],
            "to_versions": [version for _, _, version in self.pairs],
        }


#: each change of the counted components from `since` to `until`: device, component, both versions, moment
_CHANGES: Final = f"""
                select ran.device_id, ran.component, before.version as from_version,
                       ran.version as to_version, ran.since as at
                  from (
                        select periods.device_id, periods.component, periods.version,
                               periods.first_reported_at as since
                          from unnest(%(components)s::text[]) as wanted (component)
                         cross join unnest(%(spans)s::int2[]) as class (span)
                          join device_firmware_periods as periods
                            on periods.project_id = %(project_id)s
                           and periods.component = wanted.component
                           and periods.span = class.span
                           and periods.first_reported_at >= %(since)s
                           and periods.first_reported_at <= %(until)s
                           and periods.superseded_at > periods.first_reported_at
                           and periods.version <> ''
                         union all
                        select device_id, component, version, since
                          from device_versions
                         where project_id = %(project_id)s
                           and component = any(%(components)s)
                           and since >= %(since)s
                           and since <= %(until)s
                       ) as ran
                 cross join lateral (
                        select version
                          from device_firmware_periods
                         where device_id = ran.device_id
                           and first_reported_at < ran.since
                           and component = ran.component
                           and superseded_at = ran.since
                         order by first_reported_at desc
                         limit 1
                       ) as before
                 where before.version <> ran.version  -- between the two lay one that was in force at no moment
                   and before.version <> ''
                   and {COUNTED}"""  # noqa: S608  its parts are literals


async def list_pairs(conn: Connection, project_id: uuid.UUID, changes: Changes) -> list[tuple[str, str, str]]:
    """Which changes there were at all: (component, from version, to version)."""
    cur = await conn.execute(
        f"""
        select distinct component, from_version, to_version
          from ({_CHANGES}
               ) as changes
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **changes.parameters},
        prepare=False,
    )
    return await cur.fetchall()


async def list_changes(
    conn: Connection, project_id: uuid.UUID, changes: Changes, after: Position, limit: int
) -> list[Rollback]:
    """The changes between the pairs of versions, the latest first."""
    async with conn.cursor(row_factory=rows(Rollback)) as cur:
        await cur.execute(
            f"""
            select changes.device_id, devices.name as device_name, changes.component, changes.from_version,
                   changes.to_version, changes.at
              from ({_CHANGES}
                   ) as changes
              join devices
                on devices.project_id = %(project_id)s
               and devices.id = changes.device_id
             where (changes.component, changes.from_version, changes.to_version) in (
                       select component, from_version, to_version
                         from unnest(%(of_components)s::text[], %(from_versions)s::text[], %(to_versions)s::text[])
                           as pair (component, from_version, to_version)
                   )
               and (changes.at, changes.device_id, changes.component)
                   < (%(at)s, %(device_id)s, %(component)s)
             order by changes.at desc, changes.device_id desc, changes.component desc
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {
                "project_id": project_id,
                **changes.parameters,
                **after,
                "limit": limit,
            },
            prepare=False,
        )
        return await cur.fetchall()


async def list_changed_often(
    conn: Connection, project_id: uuid.UUID, changes: Changes, times: int, limit: int
) -> list[ChangedOften]:
    """The components of devices that changed at least so many times, those that did so last first."""
    async with conn.cursor(row_factory=rows(ChangedOften)) as cur:
        await cur.execute(
            f"""
            select often.device_id, devices.name as device_name, often.component, often.moments, often.versions,
                   array(
                       select distinct version
                         from device_firmware_periods
                        where device_id = often.device_id
                          and first_reported_at < often.moments[1]
                          and component = often.component
                          and superseded_at > first_reported_at
                          and version <> ''
                   ) as versions_before
              from (
                    select device_id, component, array_agg(at order by at) as moments,
                           array_agg(to_version order by at) as versions, max(at) as last_at
                      from ({_CHANGES}
                           ) as changes
                     group by device_id, component
                    having count(*) >= %(times)s
                   ) as often
              join devices
                on devices.project_id = %(project_id)s
               and devices.id = often.device_id
             order by often.last_at desc, often.device_id, often.component
             limit %(limit)s
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **changes.parameters, "times": times, "limit": limit},
            prepare=False,
        )
        return await cur.fetchall()
