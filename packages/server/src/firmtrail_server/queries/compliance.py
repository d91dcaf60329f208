"""How many devices run what they should: each counts for the first rule whose labels it has."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import attrs
import orjson

from firmtrail_contract import DesiredVersion
from firmtrail_server.db import Connection, rows
from firmtrail_server.history.spans import span_bounds
from firmtrail_server.queries.counted import LABELLED, Labelled


@attrs.frozen(kw_only=True)
class Governed:
    """The rules of one component, the first that a device matches counting for it, and which devices are looked at."""

    rules: Sequence[DesiredVersion]
    #: a filter of the labels that devices have today; None: all of them
    labels: str | None
    at: dt.datetime
    is_now: bool

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "component": self.rules[0].component,
            "rule_labels": [orjson.dumps(rule.labels).decode() for rule in self.rules],
            "rule_versions": [orjson.dumps(rule.versions).decode() for rule in self.rules],
            **Labelled(self.labels).parameters,
            **span_bounds(self.at),
            "at": self.at,
            "is_now": self.is_now,
        }


@attrs.frozen(kw_only=True)
class RuleCount:
    """The devices for which a rule counts: `position` is its place among the rules, from 1."""

    position: int
    devices: int
    #: those that ran the component
    running: int
    #: those that ran a version that the rule accepts
    accepted: int


async def count_devices(conn: Connection, project_id: uuid.UUID, governed: Governed) -> list[RuleCount]:
    """Count, for the rules of a component, the devices in service that were registered or ran something at a moment.

    A rule that counts for no device is left out. Every device is read once, however many rules there are: its rule is
    found once for all devices that have its labels, and what they ran is compared with a rule's versions once for each.
    """
    async with conn.cursor(row_factory=rows(RuleCount)) as cur:
        await cur.execute(
            f"""
            with rules as materialized (
                select position, labels::jsonb as labels, versions::jsonb as versions
                  from unnest(%(rule_labels)s::text[], %(rule_versions)s::text[]) with ordinality
                    as input (labels, versions, position)
            )
            select position, sum(counted.devices)::int8 as devices,
                   coalesce(sum(counted.devices) filter (where version is not null), 0)::int8 as running,
                   coalesce(sum(counted.devices) filter (where versions ? version), 0)::int8 as accepted
              from (
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
                     where governed.created_at <= %(at)s
                        or ran.device_id is not null
                     group by governed.position, ran.version
                   ) as counted
              join rules using (position)
             group by position
            """,  # noqa: S608  its parts are literals
            {"project_id": project_id, **governed.parameters},
            prepare=False,
        )
        return await cur.fetchall()
