"""Which devices run what they should, now or as of any moment."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_contract import Compliance, ComplianceQuery, DesiredVersion, DeviceState, RuleCompliance
from firmtrail_server.db import Connection
from firmtrail_server.history.desired_versions import Governed, governed
from firmtrail_server.http.context import Context
from firmtrail_server.queries import desired_versions
from firmtrail_server.queries.firmware_versions import Counted, count_at, count_now

#: more than the devices of a project, each of which may run a version of its own
_ALL_VERSIONS = 2**31


async def get_compliance(ctx: Context, conn: Connection, project_id: uuid.UUID, query: ComplianceQuery) -> Compliance:
    """A device counts for the rule of the greatest priority whose labels it has today.

    It counts if it was in service at the moment, and registered or running something; deleted devices never do.
    """
    now = ctx.now()
    at = min(query.at or now, now)
    rules = await desired_versions.list_in_force(conn, project_id, at, query.component)
    return Compliance(
        as_of=at,
        labels_as_of=now,
        items=[
            await _counted(conn, rule, devices, at, is_now=at == now) for rule, devices in governed(rules, query.labels)
        ],
    )


async def _counted(
    conn: Connection, rule: DesiredVersion, devices: Governed | None, at: dt.datetime, *, is_now: bool
) -> RuleCompliance:
    if devices is None:
        return _result(rule, accepted=0, other=0, without=0)
    counted = Counted(
        components=[rule.component],
        labels=devices.labels,
        labels_of_others=devices.labels_of_others,
        state=DeviceState.ACTIVE,
    )
    count = count_now if is_now else count_at
    versions = await count(conn, rule.project_id, counted, at, _ALL_VERSIONS)
    accepted = sum(row.devices for row in versions if row.version in rule.versions)
    other = sum(row.devices for row in versions) - accepted
    without = await desired_versions.count_without_version(conn, rule.project_id, counted, at, is_now=is_now)
    return _result(rule, accepted=accepted, other=other, without=without)


def _result(rule: DesiredVersion, *, accepted: int, other: int, without: int) -> RuleCompliance:
    return RuleCompliance(
        rule=rule,
        devices=accepted + other + without,
        on_accepted_version=accepted,
        on_other_version=other,
        without_version=without,
    )
