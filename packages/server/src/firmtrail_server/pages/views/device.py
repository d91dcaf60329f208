"""A device: its timeline, what it runs or ran, its agent, its keys, and what was done to it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any

import attrs
from attrs.validators import optional

from firmtrail_contract import AsOf, AuditQuery, DeviceChange, DeviceDetails, History, HistoryQuery
from firmtrail_contract.devices import device_name_limits
from firmtrail_contract.paging import page_token_limits
from firmtrail_server.db import Connection
from firmtrail_server.errors import FieldOutOfRange
from firmtrail_server.handlers import audit_events, desired_versions, device_api_keys, devices, history, projects
from firmtrail_server.http.context import Context
from firmtrail_server.http.forms import FORM
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.charts.lanes import lanes
from firmtrail_server.pages.forms import Form, filled, labels_of
from firmtrail_server.pages.results import Redirect, View
from firmtrail_server.pages.time_bar import Part, time_bar
from firmtrail_server.pages.words import query as url_query

_MOST_EVENTS = 20
#: of a timeline: a page of the periods of a device that changes every hour would be 140 kB with 1,000
MOST_PERIODS = 300


@attrs.frozen(kw_only=True)
class DevicePageQuery:
    """As of when."""

    at: AsOf | None = None
    #: of a history that has more periods than a page shows, those that had begun by then, and the page of them
    until: AsOf | None = None
    page_token: str | None = attrs.field(default=None, validator=optional(page_token_limits))
    part: Part | None = None


@attrs.frozen(kw_only=True)
class RenameForm(Form):
    """The new name."""

    name: str = attrs.field(validator=device_name_limits)


@attrs.frozen(kw_only=True)
class LabelsForm(Form):
    """The labels that shall be; of those that were shown, the others go."""

    labels: str | None = None
    shown: str | None = None


@attrs.frozen(kw_only=True)
class DeletionForm(Form):
    """That somebody is sure: they have typed the device's name."""

    name: str = ""


async def show(ctx: Context, conn: Connection, device_id: uuid.UUID, query: DevicePageQuery) -> View:
    ask, now = ApiCalls(ctx, conn), ctx.now()
    device: DeviceDetails = await ask(devices.get_device, device_id=device_id)
    until, periods = await _periods(ask, device_id, query)
    bar = time_bar(await _first_reported_at(ask, device_id, periods) or now, now, query.at)
    in_force = device.firmware
    if bar.at is not None:
        then: History = await ask(history.list_firmware_versions, device_id=device_id, query=HistoryQuery(at=query.at))
        in_force = then.items
    bar = bar.with_marks((one.first_reported_at, f"{one.component} {one.version}") for one in periods.items[:200])
    data: dict[str, Any] = {
        "project": await ask(projects.get_project, project_id=device.project_id),
        "base": f"/projects/{device.project_id}",
        "device": device,
        "lanes": lanes(periods.items, bar),
        "periods": periods,
        "until": until,
        "is_newest": until is None and query.page_token is None,
        "in_force": in_force,
        "bar": bar,
        "is_now": bar.at is None,
        "link": url_query,
        "may_change": ask.may(devices.change_device),
        "may_delete": ask.may(devices.delete_device),
        "may_change_keys": ask.may(device_api_keys.create_device_api_key),
        **await _about(ask, device),
    }
    return View(template="device_state.html" if query.part else "device.html", data=data)


async def _periods(ask: ApiCalls, device_id: uuid.UUID, query: DevicePageQuery) -> tuple[AsOf | None, History]:
    """The newest periods; of a history with more of them than a page shows, those before the moment of the bar."""
    paging = HistoryQuery(page_size=MOST_PERIODS, newest_first=True, until=query.until, page_token=query.page_token)
    periods: History = await ask(history.list_firmware_versions, device_id=device_id, query=paging)
    is_asked = query.until is not None or query.page_token is not None
    if is_asked or not periods.next_page_token or query.at is None or query.at >= periods.items[-1].first_reported_at:
        return query.until, periods
    before = attrs.evolve(paging, until=query.at)
    return query.at, await ask(history.list_firmware_versions, device_id=device_id, query=before)


async def _first_reported_at(ask: ApiCalls, device_id: uuid.UUID, shown: History) -> dt.datetime | None:
    """Where the device's history begins, also where older periods are on other pages."""
    first = shown
    if shown.next_page_token or not shown.items:
        first = await ask(history.list_firmware_versions, device_id=device_id, query=HistoryQuery(page_size=1))
    return min((one.first_reported_at for one in first.items), default=None)


async def rename(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[RenameForm, FORM]) -> Redirect:
    await ApiCalls(ctx, conn)(devices.change_device, device_id=device_id, body=DeviceChange(name=body.name))
    return Redirect(to=f"/devices/{device_id}")


async def relabel(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[LabelsForm, FORM]) -> Redirect:
    """Labels that somebody else has added meanwhile stay."""
    wanted = labels_of(body.labels)
    change = filled(DeviceChange, labels=dict.fromkeys(labels_of(body.shown)) | wanted)
    await ApiCalls(ctx, conn)(devices.change_device, device_id=device_id, body=change)
    return Redirect(to=f"/devices/{device_id}")


async def delete(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[DeletionForm, FORM]) -> Redirect:
    ask = ApiCalls(ctx, conn)
    device: DeviceDetails = await ask(devices.get_device, device_id=device_id)
    if body.name != device.name:
        raise FieldOutOfRange("name", f"must be {device.name}, the name of the device")
    await ask(devices.delete_device, device_id=device_id)
    return Redirect(to=f"/projects/{device.project_id}/devices")


async def retire(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[Form, FORM]) -> Redirect:  # noqa: ARG001
    await ApiCalls(ctx, conn)(devices.retire_device, device_id=device_id)
    return Redirect(to=f"/devices/{device_id}")


async def restore(ctx: Context, conn: Connection, device_id: uuid.UUID, body: Annotated[Form, FORM]) -> Redirect:  # noqa: ARG001
    await ApiCalls(ctx, conn)(devices.restore_device, device_id=device_id)
    return Redirect(to=f"/devices/{device_id}")


async def _about(ask: ApiCalls, device: DeviceDetails) -> dict[str, Any]:
    """What some may see and others not; None: the caller may not."""
    trail = AuditQuery(target_id=device.id, page_size=_MOST_EVENTS)
    return {
        "desired": await ask.if_permitted(desired_versions.list_device_desired_versions, device_id=device.id),
        "keys": await ask.if_permitted(device_api_keys.list_device_api_keys, device_id=device.id),
        "audit": await ask.if_permitted(audit_events.list_audit_events, project_id=device.project_id, query=trail),
    }
