"""The versions that a project's devices run, or ran at any moment, with their counts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import groupby

from firmtrail_contract import FirmwareVersions, FirmwareVersionsQuery, VersionCount, VersionScheme
from firmtrail_contract.version_order import detect_scheme, newer_known, sort_key
from firmtrail_server.db import Connection
from firmtrail_server.http.context import Context
from firmtrail_server.queries import firmware_versions, fleet_status
from firmtrail_server.queries.counted import Counted
from firmtrail_server.queries.firmware_versions import CountedVersion, count_at, count_now

MAX_VERSIONS = 5_000


async def count_firmware_versions(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: FirmwareVersionsQuery
) -> FirmwareVersions:
    """A version counts on a device from its first report until the first report of the next one. Late reports are part
    of it. Deleted devices never count.
    """
    now = ctx.now()
    at = min(query.at or now, now)
    components = [query.component] if query.component else await firmware_versions.list_components(conn, project_id)
    counted = Counted(components=components, labels=query.labels, state=query.state)
    count = count_now if at == now else count_at
    versions = await count(conn, project_id, counted, at, MAX_VERSIONS)
    return FirmwareVersions(
        as_of=at,
        labels_as_of=now,
        first_reported_at=await fleet_status.find_first_report(conn, project_id, components),
        items=ordered(versions, query.scheme),
        omitted_versions=versions[0].versions - len(versions) if versions else 0,
    )


def ordered(counted: Sequence[CountedVersion], scheme: VersionScheme | None = None) -> list[VersionCount]:
    """By component, the newest version first."""
    by_component = groupby(sorted(counted, key=lambda row: row.component), key=lambda row: row.component)
    return [item for _, of_component in by_component for item in _newest_first([*of_component], scheme)]


def _newest_first(counted: Sequence[CountedVersion], scheme: VersionScheme | None) -> list[VersionCount]:
    versions = [row.version for row in counted]
    scheme = scheme or detect_scheme(versions)
    newer = newer_known(versions, scheme)
    return [
        VersionCount(
            component=row.component,
            version=row.version,
            devices=row.devices,
            share=row.devices / row.component_devices,
            first_since=row.first_since,
            last_since=row.last_since,
            newer_exists=newer[row.version],
        )
        for row in sorted(counted, key=lambda row: sort_key(row.version, scheme), reverse=True)
    ]
