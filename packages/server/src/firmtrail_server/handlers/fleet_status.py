"""A project's devices at a glance."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import groupby

from firmtrail_contract import (
    ComponentStatus,
    DeviceState,
    FleetStatus,
    FleetStatusQuery,
    VersionCount,
)
from firmtrail_server.db import Connection
from firmtrail_server.handlers.compliance import Running, count_by_rule
from firmtrail_server.handlers.firmware_versions import MAX_VERSIONS, ordered
from firmtrail_server.history.desired_versions import in_order
from firmtrail_server.http.context import Context
from firmtrail_server.queries import desired_versions, firmware_versions, fleet_status
from firmtrail_server.queries.compliance import Looked
from firmtrail_server.queries.counted import Counted
from firmtrail_server.queries.firmware_versions import ALL, count_now

_MOST_VERSIONS = 10
_LATEST = 10


async def get_fleet_status(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: FleetStatusQuery
) -> FleetStatus:
    now = ctx.now()
    components = await firmware_versions.list_components(conn, project_id)
    counted = Counted(components=components, labels=query.labels, state=DeviceState.ACTIVE)
    devices = await fleet_status.count_devices(conn, project_id, counted)
    versions = await count_now(conn, project_id, counted, now, ALL)
    rules = in_order(await desired_versions.list_in_force(conn, project_id, now, None))
    looked = Looked(labels=query.labels, at=now, is_now=True)
    return FleetStatus(
        as_of=now,
        first_reported_at=await fleet_status.find_first_report(conn, project_id, components),
        devices=devices.devices,
        reporting=devices.devices - devices.silent,
        silent=devices.silent - devices.never_reported,
        never_reported=devices.never_reported,
        retired=devices.retired,
        two_machines=devices.two_machines,
        components=[
            _component(component, [*of_component])
            for component, of_component in groupby(ordered(versions[:MAX_VERSIONS]), key=lambda one: one.component)
        ],
        compliance=await count_by_rule(conn, project_id, looked, rules, Running(devices.devices, versions)),
        latest_changes=await fleet_status.list_latest_changes(conn, project_id, counted, _LATEST),
    )


def _component(component: str, versions: Sequence[VersionCount]) -> ComponentStatus:
    """Keep the versions on most devices, in their order."""
    most = {one.version for one in sorted(versions, key=lambda one: one.devices, reverse=True)[:_MOST_VERSIONS]}
    return ComponentStatus(
        component=component,
        devices=sum(one.devices for one in versions),
        versions=[one for one in versions if one.version in most],
        other_versions=len(versions) - len(most),
    )
