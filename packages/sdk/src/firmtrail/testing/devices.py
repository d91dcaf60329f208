"""The stand-in's devices: registered, listed, changed, taken out of service."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

import attrs

from firmtrail.testing.histories import KnownDevice, running, shown
from firmtrail.testing.paging import page_of
from firmtrail.testing.refusals import Refused, invalid_parameter
from firmtrail.testing.request import Created, Request
from firmtrail.testing.state import State, components_of
from firmtrail_contract import (
    MAX_LABELS,
    Device,
    DeviceChange,
    DeviceDetails,
    DeviceList,
    DeviceQuery,
    DeviceState,
    ListedDevice,
    NewDevice,
    ProblemCode,
)
from firmtrail_contract.version_filters import ExactVersion, VersionFilterInvalid, near, parse_filter
from firmtrail_contract.version_order import detect_scheme


def create_device(state: State, request: Request) -> Created:
    return Created(register(state, request.body(NewDevice)))


def register(state: State, new: NewDevice) -> Device:
    """Register a device, or refuse one whose name or hardware another one has."""
    _check_name(state, new.name)
    for other in state.devices.values():
        if new.hardware_fingerprint and other.stored.hardware_fingerprint == new.hardware_fingerprint:
            raise Refused(ProblemCode.CONFLICT, f"This hardware is registered already, as {other.stored.name!r}.")
    device = Device(
        id=uuid.uuid4(),
        project_id=state.project.id,
        name=new.name,
        labels=new.labels,
        hardware_fingerprint=new.hardware_fingerprint,
        created_at=state.now(),
    )
    state.devices[device.id] = KnownDevice(stored=device)
    return device


def get_device(state: State, request: Request) -> DeviceDetails:
    known = state.device(request.ids["device_id"])
    firmware = [shown(name, period) for name, period in known.running(None)]
    return DeviceDetails(**attrs.asdict(known.device, recurse=False), firmware=firmware)


def change_device(state: State, request: Request) -> Device:
    known = state.device(request.ids["device_id"])
    change = request.body(DeviceChange)
    merged = {**known.stored.labels, **change.labels}
    labels = {key: value for key, value in merged.items() if value is not None}
    if len(labels) > MAX_LABELS:
        raise Refused(ProblemCode.CONFLICT, f"The device would have more than {MAX_LABELS} labels. Remove some.")
    if change.name is not None and change.name != known.stored.name:
        _check_name(state, change.name)
    known.stored = attrs.evolve(known.stored, name=change.name or known.stored.name, labels=labels)
    return known.device


def retire_device(state: State, request: Request) -> Device:
    known = state.device(request.ids["device_id"])
    if known.stored.retired_at is None:
        state.credentials.end_of_device(known.stored.id)
        known.stored = attrs.evolve(known.stored, retired_at=state.now())
    return known.device


def restore_device(state: State, request: Request) -> Device:
    known = state.device(request.ids["device_id"])
    known.stored = attrs.evolve(known.stored, retired_at=None)
    return known.device


def delete_device(state: State, request: Request) -> None:
    known = state.device(request.ids["device_id"])
    state.credentials.end_of_device(known.stored.id)
    del state.devices[known.stored.id]


def list_devices(state: State, request: Request) -> DeviceList:
    query = request.asked(DeviceQuery, unanswered=("two_machines", "agent_health", "agent_version"))
    now = state.now()
    at = query.at if query.at and query.at < now else None
    by_version = query.version is not None or query.component is not None
    found = [device for device in _that_ran(state, query, at) if _is_asked_for(device, query, at, now)]
    listed = page_of(found, query, lambda one: (str(one.stored.id) if by_version else one.stored.name,))
    is_empty = query.version is not None and query.page_token is None and not listed.items
    return DeviceList(
        items=[_listed(device, at, now) for device in listed.items],
        next_page_token=listed.next_page_token,
        as_of=at or now,
        labels_as_of=now,
        near_versions=_near(state, query, at) if is_empty else [],
        total=len(found) if query.with_total else None,
    )


def _check_name(state: State, name: str) -> None:
    if any(other.stored.name == name for other in state.devices.values()):
        raise Refused(ProblemCode.CONFLICT, f"A device of this project is named {name!r} already.")


def _that_ran(state: State, query: DeviceQuery, at: dt.datetime | None) -> list[KnownDevice]:
    """Keep the devices that run a version and component that are asked for."""
    if query.version is None:
        return [one for one in state.by_id() if query.component is None or any(one.running(at, query.component))]
    try:
        wanted = _wanted(state, query, query.version, at)
    except VersionFilterInvalid as error:
        raise invalid_parameter("version", str(error)) from None
    return [
        one
        for one in state.by_id()
        if any((name, period.version) in wanted for name, period in one.running(at, query.component))
    ]


def _wanted(state: State, query: DeviceQuery, version: str, at: dt.datetime | None) -> set[tuple[str, str]]:
    """List the components with their versions that a filter lets pass."""
    wanted, known = parse_filter(version), set(_known(state, query, at))
    found: set[tuple[str, str]] = set()
    for component in components_of(state.by_id()):
        versions = {one for name, one in known if name == component}
        if isinstance(wanted, ExactVersion):
            found.add((component, wanted.version))
            continue
        scheme = query.scheme or detect_scheme(versions)
        found |= {(component, one) for one in versions if wanted.matches(one, scheme)}
    return found


def _known(state: State, query: DeviceQuery, at: dt.datetime | None) -> Iterator[tuple[str, str]]:
    """Give the components with the versions that they run; for a moment that has passed, that they ever ran."""
    for device in state.by_id():
        for name, component in device.components.items():
            if query.component in {None, name}:
                periods = component.periods if at is not None else component.periods[-1:]
                yield from ((name, period.version) for period in periods)


def _near(state: State, query: DeviceQuery, at: dt.datetime | None) -> list[str]:
    assert query.version is not None
    return near(query.version, {version for _, version in _known(state, query, at)} - {query.version})


def _is_asked_for(known: KnownDevice, query: DeviceQuery, at: dt.datetime | None, now: dt.datetime) -> bool:
    device, silent = known.device, known.silent_since(now) is not None
    reported = device.last_reported_at
    retired = device.retired_at is not None and (at is None or device.retired_at <= at)
    changed = [one.periods[-1].first_reported_at for one in known.components.values()]
    return (
        (query.name is None or query.name.lower() in device.name.lower())
        and known.has_labels(query.labels)
        and (query.state is DeviceState.ANY or retired == (query.state is DeviceState.RETIRED))
        and (query.silent is None or silent == query.silent)
        and (query.created_from is None or device.created_at >= query.created_from)
        and (query.created_before is None or device.created_at < query.created_before)
        and (query.reported_from is None or (reported is not None and reported >= query.reported_from))
        and (query.reported_before is None or reported is None or reported < query.reported_before)
        and (query.changed_since is None or any(moment >= query.changed_since for moment in changed))
    )


def _listed(known: KnownDevice, at: dt.datetime | None, now: dt.datetime) -> ListedDevice:
    firmware = [running(name, period) for name, period in known.running(at)]
    device = attrs.asdict(known.device, recurse=False)
    return ListedDevice(**device, firmware=firmware, silent_since=known.silent_since(now))
