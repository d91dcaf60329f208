"""The devices of a project as a table, now or at any moment."""

from __future__ import annotations

import uuid
from typing import Any

import attrs

from firmtrail_contract import (
    DeviceList,
    DeviceOrder,
    DeviceQuery,
    FirmwareVersions,
    FirmwareVersionsQuery,
)
from firmtrail_server.db import Connection
from firmtrail_server.handlers import devices, firmware_versions, projects
from firmtrail_server.http.context import Context
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.results import View
from firmtrail_server.pages.time_bar import Part, time_bar
from firmtrail_server.pages.words import query as url_query


@attrs.frozen(kw_only=True)
class DevicesQuery(DeviceQuery):
    """Which devices; the filters of the API, by its names."""

    part: Part | None = None


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: DevicesQuery) -> View:
    ask = ApiCalls(ctx, conn)
    if query.version is not None or query.component is not None:
        query = attrs.evolve(query, order=None)  # an order that was chosen before a version was asked for
    listed: DeviceList = await ask(devices.list_devices, project_id=project_id, query=query)
    now = ctx.now()
    bar = time_bar(now, now, query.at)
    data: dict[str, Any] = {
        "project": await ask(projects.get_project, project_id=project_id),
        "base": f"/projects/{project_id}",
        "filter": query,
        "parameters": _parameters(query),
        "is_descending": query.order is DeviceOrder.NAME_DESCENDING,
        "listed": listed,
        "bar": bar,
        "is_now": bar.at is None,
        "now": now,
        "link": url_query,
    }
    if query.part:
        return View(template="devices_state.html", data=data)
    return View(template="devices.html", data=data | await _around(ask, project_id, query))


async def _around(ask: ApiCalls, project_id: uuid.UUID, query: DevicesQuery) -> dict[str, Any]:
    """The time bar, and what may be filtered by: of now, which takes a part of the time of a moment that has passed."""
    counted: FirmwareVersions = await ask(
        firmware_versions.count_firmware_versions, project_id=project_id, query=FirmwareVersionsQuery()
    )
    versions = [one for one in counted.items if query.component in {None, one.component}]
    bar = time_bar(counted.first_reported_at or ask.now(), ask.now(), query.at)
    return {
        "known": list(dict.fromkeys(one.version for one in versions))[:200],
        "components": list(dict.fromkeys(one.component for one in counted.items)),
        "bar": bar.with_marks((one.first_since, one.version) for one in versions[:20]),
    }


def _parameters(query: DevicesQuery) -> dict[str, Any]:
    """What is not as it is by default, for links; without the place in the list."""
    given = attrs.asdict(query, filter=lambda field, value: value != field.default)
    return {name: value for name, value in given.items() if name not in {"page_token", "part"}}
