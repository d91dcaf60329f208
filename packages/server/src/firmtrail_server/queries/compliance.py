"""The devices for which rules count, and what they run or ran."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
import orjson

from firmtrail_contract import DesiredVersion, DeviceState
from firmtrail_server.db import Connection, one, rows
from firmtrail_server.history.spans import span_bounds
from firmtrail_server.queries.counted import COUNTED, IN_STATE, LABELLED, Counted, Labelled


@attrs.frozen(kw_only=True)
class Looked:
    """Which devices are looked at, and when."""

    #: a filter of the labels that devices have today; None: all of them
    labels: str | None
    at: dt.datetime
    is_now: bool

    @property
    def parameters(self) -> dict[str, object]:
        return {**Labelled(self.labels).parameters, "at": self.at, "is_now": self.is_now}


@attrs.frozen(kw_only=True)
class GovernedCount:
    """The devices for which a rule counts and that ran a version: `position` is its place among the rules, from 1."""

    position: int
    #: None: they ran none
    version: str | None
    devices: int


@attrs.frozen(kw_only=True)
class RanCount:
    """The devices on which a version of a component was in force at a moment of the past."""

    component: str
    version: str
    devices: int
    #: of these, the ones that were registered later
    unregistered: int


async def count_governed(
    conn: Connection, project_id: uuid.UUID, looked: Looked, rules: Sequence[DesiredVersion]
) -> list[GovernedCount]:
    """Count, by rule and version, the devices in service with a rule's labels, registered or running something then.

    The rules are of one component; the first whose labels a device has counts for it. Every device is read once,
    however many rules there are: its rule is found once for all devices that have its labels.
    """
    async with conn.cursor(row_factory=rows(GovernedCount)) as cur:
        await cur.execute(
            f"""
            with rules as materialized (
                select position, labels::jsonb as labels
                  from unnest(%(rule_labels)s::text[]) with ordinality as input (labels, position)
            )
            select governed.position, ran.version, count(*) as devices
              from (
                    select devices.id, devices.created_at, rule.position
                      from devices
                     cross join lateral (
                            select position
                              from rules
                             where devices.labels @> rules.labels
                             order by position
                             limit 1
                           ) as rule
                     where devices.project_id = %(project_id)s
                       and (devices.retired_at is null or devices.retired_at > %(at)s)
                       and {LABELLED}
                    offset 0  -- or the labels of every device go through the join
                   ) as governed
              left join (
                    select periods.device_id, periods.version
                      from unnest(%(spans)s::int2[], %(lower_bounds)s::timestamptz[])
                           as class (span, lower_bound)
                      join device_firmware_periods as periods
                        on periods.project_id = %(project_id)s
                       and periods.component = %(component)s
                       and periods.span = class.span
                       and periods.first_reported_at > class.lower_bound
                       and periods.first_reported_at <= %(at)s
                       and periods.superseded_at > %(at)s
                       and periods.version <> ''
                     where not %(is_now)s
                     union all
                    select device_id, version
                      from device_versions
                     where project_id = %(project_id)s
                       and component = %(component)s
                       and (%(is_now)s or since <= %(at)s)
                   ) as ran
                on ran.device_id = governed.id
             where %(is_now)s
                or governed.created_at <= %(at)s
                or ran.device_id is not null
             group by governed.position, ran.version
            """,  # noqa: S608  its parts are literals
            {
                "project_id": project_id,
                "component": rules[0].component,
                "rule_labels": [orjson.dumps(rule.labels).decode() for rule in rules],
                **looked.parameters,
                **span_bounds(looked.at),
            },
            prepare=False,
        )
        return await cur.fetchall()


async def count_ran(
    conn: Connection, project_id: uuid.UUID, looked: Looked, components: Sequence[str]
) -> list[RanCount]:
    """Count the devices that were in service at a moment of the past, by what they ran then."""
    counted = Counted(components=components, labels=looked.labels, state=DeviceState.ACTIVE)
    async with conn.cursor(row_factory=rows(RanCount)) as cur:
        await cur.execute(
            f"""
            with registered_later as materialized (
                select id
                  from devices
                 where project_id = %(project_id)s
                   and created_at > %(at)s
            )
            select component, version, sum(devices)::int8 as devices, sum(unregistered)::int8 as unregistered
              from unnest(%(components)s::text[]) as wanted (component)
             cross join lateral (
                    select version, count(*) as devices,
                           count(*) filter (where device_id in (select id from registered_later)) as unregistered
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
                    select version, count(*),
                           count(*) filter (where device_id in (select id from registered_later))
                      from device_versions as ran
                     where project_id = %(project_id)s
                       and component = wanted.component
                       and since <= %(at)s
                       and {COUNTED}
                       and {IN_STATE}
                     group by version
                   ) as of_component
             group by component, version
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **counted.parameters, **span_bounds(looked.at), "at": looked.at},
            prepare=False,
        )
        return await cur.fetchall()


async def count_in_service(conn: Connection, project_id: uuid.UUID, looked: Looked) -> int:
    """Count the devices in service that are registered, or were at a moment of the past; whatever they run."""
    cur = await conn.execute(
        f"""
        select count(*)
          from devices
         where project_id = %(project_id)s
           and (retired_at is null or retired_at > %(at)s)
           and (%(is_now)s or created_at <= %(at)s)
           and {LABELLED}
        """,  # noqa: S608  its parts are literals
        {"project_id": project_id, **looked.parameters},
        prepare=False,
    )
    return (await one(cur))[0]
