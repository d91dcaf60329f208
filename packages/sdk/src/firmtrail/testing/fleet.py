"""What all devices of the stand-in run, and ran: counted, summed up, silent, gone back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from firmtrail.testing.histories import KnownDevice
from firmtrail.testing.paging import page_of
from firmtrail.testing.refusals import invalid_parameter
from firmtrail.testing.request import Request
from firmtrail.testing.state import State, components_of
from firmtrail_contract import (
    ComponentStatus,
    DeviceState,
    FirmwareVersions,
    FirmwareVersionsQuery,
    FleetStatus,
    FleetStatusQuery,
    LatestChange,
    Page,
    Rollback,
    RollbackQuery,
    VersionCount,
    VersionScheme,
    format_moment,
)
from firmtrail_contract.series import SeriesInvalid, time_range
from firmtrail_contract.version_order import Order, compare, detect_scheme, newer_known, sort_key
from firmtrail_contract.version_periods import Period

_MOST_VERSIONS = _LATEST = 10
_WEEK, _MOST_DAYS = dt.timedelta(days=7), dt.timedelta(days=92)


def count_firmware_versions(state: State, request: Request) -> FirmwareVersions:
    query, now = request.asked(FirmwareVersionsQuery), state.now()
    at = min(query.at or now, now)
    devices = [one for one in state.labelled(query.labels) if _is_counted(one, query.state, at)]
    return FirmwareVersions(
        as_of=at,
        labels_as_of=now,
        first_reported_at=_first_reported_at(state, query.component),
        items=_counts(devices, None if at == now else at, query.component, query.scheme),
        omitted_versions=0,
    )


def get_fleet_status(state: State, request: Request) -> FleetStatus:
    query, now = request.asked(FleetStatusQuery), state.now()
    labelled = state.labelled(query.labels)
    active = [one for one in labelled if one.stored.retired_at is None]
    silent = [one for one in active if one.silent_since(now) is not None]
    never = [one for one in silent if not one.components]
    counts = _counts(active, None, None, None)
    return FleetStatus(
        as_of=now,
        first_reported_at=_first_reported_at(state, None),
        devices=len(active),
        reporting=len(active) - len(silent),
        silent=len(silent) - len(never),
        never_reported=len(never),
        retired=len(labelled) - len(active),
        two_machines=0,
        components=[_component(name, counts) for name in components_of(active)],
        compliance=[],
        latest_changes=_latest_changes(labelled),
    )


def list_rollbacks(state: State, request: Request) -> Page[Rollback]:
    query = request.asked(RollbackQuery)
    try:
        since, until = time_range(query.since, query.until, state.now(), dt.UTC, _WEEK)
    except SeriesInvalid as error:
        raise invalid_parameter("since", str(error)) from None
    if until - since > _MOST_DAYS:
        raise invalid_parameter("since", f"must lie at most {_MOST_DAYS.days} days before until")
    changes = [
        one
        for one in _changes(state.labelled(query.labels))
        if since <= one.at <= until and query.component in {None, one.component}
    ]
    lower = [one for one in changes if _is_lower(one, changes, query.scheme)]
    return page_of(
        lower, query, lambda one: (format_moment(one.at), str(one.device_id), one.component), descending=True
    )


def _is_counted(device: KnownDevice, wanted: DeviceState, at: dt.datetime) -> bool:
    retired_at = device.stored.retired_at
    retired = retired_at is not None and retired_at <= at
    return wanted is DeviceState.ANY or retired == (wanted is DeviceState.RETIRED)


def _counts(
    devices: Iterable[KnownDevice], at: dt.datetime | None, only: str | None, scheme: VersionScheme | None
) -> list[VersionCount]:
    """Count the devices on each version, by component, the newest version first."""
    in_force: dict[str, list[Period]] = {}
    for device in devices:
        for component, period in device.running(at, only):
            in_force.setdefault(component, []).append(period)
    return [one for component in sorted(in_force) for one in _newest_first(component, in_force[component], scheme)]


def _newest_first(component: str, periods: list[Period], scheme: VersionScheme | None) -> Iterator[VersionCount]:
    since: dict[str, list[dt.datetime]] = {}
    for period in periods:
        since.setdefault(period.version, []).append(period.first_reported_at)
    ordered_by = scheme or detect_scheme(since)
    newer = newer_known(since, ordered_by)
    for version in sorted(since, key=lambda one: sort_key(one, ordered_by), reverse=True):
        yield VersionCount(
            component=component,
            version=version,
            devices=len(since[version]),
            share=len(since[version]) / len(periods),
            first_since=min(since[version]),
            last_since=max(since[version]),
            newer_exists=newer[version],
        )


def _component(name: str, counts: list[VersionCount]) -> ComponentStatus:
    versions = [one for one in counts if one.component == name]
    most = {one.version for one in sorted(versions, key=lambda one: one.devices, reverse=True)[:_MOST_VERSIONS]}
    return ComponentStatus(
        component=name,
        devices=sum(one.devices for one in versions),
        versions=[one for one in versions if one.version in most],
        other_versions=len(versions) - len(most),
    )


def _first_reported_at(state: State, component: str | None) -> dt.datetime | None:
    firsts = (
        one.periods[0].first_reported_at
        for device in state.devices.values()
        for name, one in device.components.items()
        if component in {None, name}
    )
    return min(firsts, default=None)


def _latest_changes(devices: Iterable[KnownDevice]) -> list[LatestChange]:
    found = [
        LatestChange(
            device_id=device.stored.id,
            device_name=device.stored.name,
            component=name,
            version=period.version,
            since=period.first_reported_at,
        )
        for device in devices
        for name, period in device.running(None)
    ]
    found.sort(key=lambda one: (one.device_id, one.component))
    return sorted(found, key=lambda one: one.since, reverse=True)[:_LATEST]


def _changes(devices: Iterable[KnownDevice]) -> Iterator[Rollback]:
    """Give each change of a component from a version to another."""
    for device in devices:
        for name, component in device.components.items():
            for before, after in pairwise(component.periods):
                yield Rollback(
                    device_id=device.stored.id,
                    device_name=device.stored.name,
                    component=name,
                    from_version=before.version,
                    to_version=after.version,
                    at=after.first_reported_at,
                )


def _is_lower(change: Rollback, changes: list[Rollback], scheme: VersionScheme | None) -> bool:
    of_component = [one for one in changes if one.component == change.component]
    versions = Counter(version for one in of_component for version in (one.from_version, one.to_version))
    return compare(change.to_version, change.from_version, scheme or detect_scheme(versions)) is Order.LOWER
