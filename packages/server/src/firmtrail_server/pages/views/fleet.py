"""A project's fleet, now or as it was at any moment."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import attrs
from attrs.validators import optional

from firmtrail_contract import (
    DEFAULT_COMPONENT,
    AsOf,
    Compliance,
    ComplianceQuery,
    FirmwareVersions,
    FirmwareVersionsQuery,
    FleetStatus,
    FleetStatusQuery,
    Page,
    Project,
    SilenceState,
    SilentDevice,
    SilentDeviceQuery,
    VersionCount,
)
from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.paging import MAX_PAGE_SIZE
from firmtrail_server.db import Connection
from firmtrail_server.handlers import (
    compliance,
    device_api_keys,
    devices,
    firmware_versions,
    fleet_status,
    projects,
    silent_devices,
)
from firmtrail_server.http.context import Context
from firmtrail_server.pages.api_calls import ApiCalls
from firmtrail_server.pages.results import View
from firmtrail_server.pages.time_bar import Part, TimeBar, time_bar
from firmtrail_server.pages.views.adoption import Spreading, newest_of
from firmtrail_server.pages.words import query as url_query

#: of more devices the chart, the rollout and the compliance of a moment that has passed are loaded after the page
MAX_DEVICES_AT_ONCE = 500
#: versions of a component that the page lists
MAX_VERSIONS = 12
#: how long silences that have ended are kept
_SILENCES_KEPT = dt.timedelta(days=90)


@attrs.frozen(kw_only=True)
class FleetQuery:
    """Which devices, and as of when."""

    at: AsOf | None = None
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    part: Part | None = None


@attrs.frozen(kw_only=True)
class Counts:
    """The devices at the moment."""

    devices: int
    reporting: int | None
    silent: int | None
    never_reported: int | None
    retired: int | None = None
    two_machines: int | None = None


@attrs.frozen(kw_only=True)
class Silences:
    """The devices that were silent at a moment that has passed, as far as is known."""

    devices: list[SilentDevice]
    is_complete: bool


@attrs.frozen(kw_only=True)
class OfComponent:
    """The versions of one component, the newest first: those on most devices."""

    component: str
    devices: int
    versions: list[VersionCount]
    other_versions: int


@attrs.frozen(kw_only=True)
class State:
    """All that was true at the moment."""

    as_of: dt.datetime
    counts: Counts
    components: list[OfComponent]
    #: None: it is loaded after the page
    compliance: Compliance | None
    first_reported_at: dt.datetime | None
    status: FleetStatus | None = None
    silences: Silences | None = None

    @property
    def week_ago(self) -> dt.datetime:
        return (self.as_of - dt.timedelta(days=7)).replace(microsecond=0)


async def show(ctx: Context, conn: Connection, project_id: uuid.UUID, query: FleetQuery) -> View:
    ask = ApiCalls(ctx, conn)
    project: Project = await ask(projects.get_project, project_id=project_id)
    is_now = query.at is None or query.at >= ctx.now()
    state = await (_now(ask, project_id, query) if is_now else _then(ask, project_id, query))
    main_first = sorted(state.components, key=lambda one: one.component != DEFAULT_COMPONENT)
    state = attrs.evolve(state, components=main_first)
    data: dict[str, Any] = {
        "project": project,
        "base": f"/projects/{project_id}",
        "filter": query,
        "link": url_query,
        "state": state,
        "is_now": is_now,
    }
    if state.first_reported_at is None:
        may = ask.may(devices.create_device) and ask.may(device_api_keys.create_device_api_key)
        data |= {"may_register": may, "url": ctx.services.tokens.issuer, "key": None, "device": None}
        return View(template="fleet_empty.html", data=data)
    bar = time_bar(state.first_reported_at, ctx.now(), query.at)
    data |= await _spread(ask, project_id, query, state, bar)
    return View(template="fleet_state.html" if query.part else "fleet.html", data=data)


async def _spread(
    ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery, state: State, bar: TimeBar
) -> dict[str, Any]:
    """The chart under the time bar, and the newest version's rollout, where they are quick to work out."""
    chosen = _charted(state, query.component)
    spreading = Spreading(ask, project_id, chosen.component, query.labels)
    is_quick = chosen.devices <= MAX_DEVICES_AT_ONCE
    areas, newest = None, None
    if is_quick and not query.part:
        areas, bar = await spreading.chart(bar)
    if is_quick and chosen.versions:
        newest = await spreading.newest(newest_of(await _all_versions(ask, project_id, query, chosen)), state.as_of)
    if areas is None:
        bar = bar.with_marks((one.first_since, one.version) for one in chosen.versions)
    return {"bar": bar, "areas": areas, "newest": newest, "charted": chosen.component, "is_quick": is_quick}


async def _all_versions(
    ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery, chosen: OfComponent
) -> Sequence[VersionCount]:
    """The versions of a component, also those on few devices: a rollout begins there."""
    if not chosen.other_versions:
        return chosen.versions
    everything = FirmwareVersionsQuery(at=query.at, component=chosen.component, labels=query.labels)
    answer: FirmwareVersions = await ask(
        firmware_versions.count_firmware_versions, project_id=project_id, query=everything
    )
    return answer.items


def _charted(state: State, component: str | None) -> OfComponent:
    """The component that the chart is about: the one that was chosen, or the device's main one, or the first."""
    by_name = {one.component: one for one in state.components}
    wanted = component or (DEFAULT_COMPONENT if DEFAULT_COMPONENT in by_name else next(iter(by_name), None))
    nothing = OfComponent(component=wanted or DEFAULT_COMPONENT, devices=0, versions=[], other_versions=0)
    return by_name.get(wanted or "", nothing)


async def _now(ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery) -> State:
    status: FleetStatus = await ask(
        fleet_status.get_fleet_status, project_id=project_id, query=FleetStatusQuery(labels=query.labels)
    )
    wanted = [one for one in status.components if query.component in (None, one.component)]
    rules = [one for one in status.compliance if query.component in (None, one.rule.component)]
    return State(
        as_of=status.as_of,
        counts=Counts(
            devices=status.devices,
            reporting=status.reporting,
            silent=status.silent,
            never_reported=status.never_reported,
            retired=status.retired,
            two_machines=status.two_machines,
        ),
        components=[OfComponent(**attrs.asdict(one, recurse=False)) for one in wanted],
        compliance=Compliance(as_of=status.as_of, labels_as_of=status.as_of, items=rules),
        first_reported_at=status.first_reported_at,
        status=status,
    )


async def _then(ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery) -> State:
    chosen: dict[str, Any] = {"at": query.at, "component": query.component, "labels": query.labels}
    counted: FirmwareVersions = await ask(
        firmware_versions.count_firmware_versions, project_id=project_id, query=FirmwareVersionsQuery(**chosen)
    )
    of_components = _by_component(counted.items)
    silences = await _silences(ask, project_id, query, counted.as_of)
    running = max((one.devices for one in of_components), default=0)
    complied: Compliance | None = None
    if running <= MAX_DEVICES_AT_ONCE:
        complied = await ask(compliance.get_compliance, project_id=project_id, query=ComplianceQuery(**chosen))
    return State(
        as_of=counted.as_of,
        counts=Counts(
            devices=running,
            reporting=None,
            silent=len(silences.devices) if silences else None,
            never_reported=None,
        ),
        components=of_components,
        compliance=complied,
        first_reported_at=await _first_report(ask, project_id, query, counted),
        silences=silences,
    )


async def _first_report(
    ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery, counted: FirmwareVersions
) -> dt.datetime | None:
    """When the bar begins, also for a component that nothing has."""
    if counted.first_reported_at is not None:
        return counted.first_reported_at
    everything = FirmwareVersionsQuery(at=query.at)
    answer: FirmwareVersions = await ask(
        firmware_versions.count_firmware_versions, project_id=project_id, query=everything
    )
    return answer.first_reported_at


def _by_component(items: Sequence[VersionCount]) -> list[OfComponent]:
    return [_most(name, [*of_one]) for name, of_one in groupby(items, key=lambda one: one.component)]


def _most(component: str, versions: Sequence[VersionCount]) -> OfComponent:
    most = sorted(versions, key=lambda one: one.devices, reverse=True)[:MAX_VERSIONS]
    return OfComponent(
        component=component,
        devices=sum(one.devices for one in versions),
        versions=[one for one in versions if one in most],
        other_versions=len(versions) - len(most),
    )


async def _silences(ask: ApiCalls, project_id: uuid.UUID, query: FleetQuery, at: dt.datetime) -> Silences | None:
    """Those that were silent at a moment: silences that are not over, and those that ended later."""
    if at < ask.now() - _SILENCES_KEPT:
        return None
    which: dict[str, Any] = {"labels": query.labels, "component": query.component, "silent_since_before": at}
    kinds: list[dict[str, Any]] = [
        {"state": SilenceState.SILENT},
        {"state": SilenceState.ENDED, "ended_from": at},
    ]
    pages: list[Page[SilentDevice]] = [
        await ask(
            silent_devices.list_silent_devices,
            project_id=project_id,
            query=SilentDeviceQuery(**which, **kind, page_size=MAX_PAGE_SIZE),
        )
        for kind in kinds
    ]
    found = [device for page in pages for device in page.items]
    return Silences(devices=found, is_complete=all(page.next_page_token is None for page in pages))
