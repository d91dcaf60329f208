"""The devices that went back to a lower version, and those that keep changing."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from itertools import groupby

import attrs

from firmtrail_contract import (
    DeviceState,
    FlappingDevice,
    FlappingDevices,
    FlappingQuery,
    Page,
    Rollback,
    RollbackQuery,
    VersionScheme,
)
from firmtrail_contract.version_order import detect_scheme
from firmtrail_server.db import Connection
from firmtrail_server.errors import FilterRefused
from firmtrail_server.history.adoption import FLAPPING_CHANGES, downgrades, flapping
from firmtrail_server.http.context import Context
from firmtrail_server.queries import firmware_versions, rollbacks
from firmtrail_server.queries.counted import Counted
from firmtrail_server.queries.rollbacks import ChangedOften, Changes
from firmtrail_server.services.time_ranges import time_range

_DEFAULT = dt.timedelta(days=7)
_MOST = dt.timedelta(days=92)
MAX_FLAPPING = 1_000


async def list_rollbacks(ctx: Context, conn: Connection, project_id: uuid.UUID, query: RollbackQuery) -> Page[Rollback]:
    """What is lower follows the versions' own scheme. Versions that do not fit it are neither lower nor higher."""
    after = rollbacks.KEYSET.position(query, project_id)
    changes = await _changes(ctx, conn, project_id, query)
    pairs = await rollbacks.list_pairs(conn, project_id, changes)
    lower = attrs.evolve(changes, pairs=_lower(pairs, query.scheme))
    return rollbacks.KEYSET.page(
        await rollbacks.list_changes(conn, project_id, lower, after, query.page_size + 1), query, project_id
    )


async def list_flapping_devices(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: FlappingQuery
) -> FlappingDevices:
    """They went back at least four times within 24 hours."""
    changes = await _changes(ctx, conn, project_id, query)
    often = await rollbacks.list_changed_often(conn, project_id, changes, FLAPPING_CHANGES, MAX_FLAPPING + 1)
    items = [item for one in often[:MAX_FLAPPING] for item in _flapping(one)]
    return FlappingDevices(
        items=sorted(items, key=lambda item: item.last_at, reverse=True), is_complete=len(often) <= MAX_FLAPPING
    )


async def _changes(
    ctx: Context, conn: Connection, project_id: uuid.UUID, query: RollbackQuery | FlappingQuery
) -> Changes:
    since, until = time_range(query.since, query.until, ctx.now(), dt.UTC, _DEFAULT)
    if until - since > _MOST:
        raise FilterRefused("since", f"must lie at most {_MOST.days} days before until")
    components = [query.component] if query.component else await firmware_versions.list_components(conn, project_id)
    counted = Counted(components=components, labels=query.labels, state=DeviceState.ANY)
    return Changes(counted=counted, since=since, until=until)


def _lower(pairs: Sequence[tuple[str, str, str]], scheme: VersionScheme | None) -> list[tuple[str, str, str]]:
    """Those of (component, from version, to version) whose second version is lower."""
    lower: list[tuple[str, str, str]] = []
    for component, of_component in groupby(sorted(pairs), key=lambda pair: pair[0]):
        versions = [(before, after) for _, before, after in of_component]
        of_its_own = scheme or detect_scheme({version for pair in versions for version in pair})
        lower += [(component, before, after) for before, after in sorted(downgrades(versions, of_its_own))]
    return lower


def _flapping(often: ChangedOften) -> list[FlappingDevice]:
    changes = zip(often.moments, often.versions, strict=True)
    return [
        FlappingDevice(
            device_id=often.device_id,
            device_name=often.device_name,
            component=often.component,
            first_at=found.first_at,
            last_at=found.last_at,
            changes=found.changes,
        )
        for found in flapping(changes, often.versions_before)
    ]
