"""How versions spread over a project's devices."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import NamedTuple

from firmtrail_contract import Adoption, AdoptionQuery, DeviceState, Rollout, VersionAdoption, VersionScheme
from firmtrail_contract.series import SeriesInvalid, moments, time_zone
from firmtrail_contract.version_order import Order, compare, detect_scheme, sort_key
from firmtrail_server.db import Connection
from firmtrail_server.errors import FilterRefused
from firmtrail_server.history.adoption import curves, milestones
from firmtrail_server.http.context import Context
from firmtrail_server.queries import adoption
from firmtrail_server.queries.counted import Counted
from firmtrail_server.services.time_ranges import time_range

_DEFAULT = dt.timedelta(days=90)
#: versions that are listed, of those on most devices at any moment
MAX_VERSIONS = 100


class _End(NamedTuple):
    """The last moment, the devices that had the component then, and how its versions are ordered."""

    at: dt.datetime
    devices: int
    scheme: VersionScheme


async def get_adoption(ctx: Context, conn: Connection, project_id: uuid.UUID, query: AdoptionQuery) -> Adoption:
    """A version counts on a device from its first report until the first report of the next one, and until the device
    was retired. Deleted devices never count. There are at most 1,000 moments.
    """
    now = ctx.now()
    series = _moments(query, now)
    counted = Counted(components=[query.component], labels=query.labels, state=DeviceState.ACTIVE)
    changes = await adoption.count_over_time(conn, project_id, counted, series)
    of_versions = curves(changes, len(series))
    scheme = query.scheme or detect_scheme(curve.version for curve in of_versions)
    totals = [sum(at) for at in zip(*(curve.devices for curve in of_versions), strict=True)] or [0] * len(series)
    listed = sorted(of_versions, key=lambda curve: max(curve.devices), reverse=True)[:MAX_VERSIONS]
    shown = [sum(at) for at in zip(*(curve.devices for curve in listed), strict=True)] or totals
    return Adoption(
        component=query.component,
        moments=series,
        versions=[
            VersionAdoption(version=curve.version, devices=[*curve.devices], shares=[*curve.shares])
            for curve in sorted(listed, key=lambda curve: sort_key(curve.version, scheme), reverse=True)
        ],
        other_devices=[total - part for total, part in zip(totals, shown, strict=True)],
        labels_as_of=now,
        rollout=None
        if query.version is None
        else await _rollout(conn, project_id, counted, query.version, _End(series[-1], totals[-1], scheme)),
    )


def _moments(query: AdoptionQuery, now: dt.datetime) -> list[dt.datetime]:
    """The moments from `since` on, a step apart, and `until`."""
    try:
        zone = time_zone(query.time_zone)
        since, until = time_range(query.since, query.until, now, zone, _DEFAULT)
        series = moments(since, until, query.step, zone)
    except SeriesInvalid as error:
        raise FilterRefused("since", str(error)) from None
    return series if series[-1] == until else [*series, until]


async def _rollout(conn: Connection, project_id: uuid.UUID, counted: Counted, version: str, end: _End) -> Rollout:
    at, devices, scheme = end
    reached = milestones(await adoption.list_first_starts(conn, project_id, counted, version, at), devices)
    dwell = await adoption.get_dwell(conn, project_id, counted, version, at)
    successors = await adoption.count_successors(conn, project_id, counted, version, at)
    return Rollout(
        version=version,
        devices=devices,
        first_at=reached.first,
        half_at=reached.half,
        ninety_percent_at=reached.ninety_percent,
        ninety_nine_percent_at=reached.ninety_nine_percent,
        median_dwell_seconds=dwell.median_seconds,
        replaced=dwell.replaced,
        rolled_back=sum(times for successor, times in successors if compare(successor, version, scheme) is Order.LOWER),
    )
