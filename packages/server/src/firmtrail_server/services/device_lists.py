"""Pages of devices: by name, or by id those that run some versions or ran them at a moment."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence

import attrs

from firmtrail_contract import (
    Device,
    DeviceList,
    DeviceOrder,
    DeviceQuery,
    ListedDevice,
    Page,
    RunningVersion,
    VersionScheme,
)
from firmtrail_contract.version_filters import (
    ExactVersion,
    VersionFilter,
    VersionFilterInvalid,
    near,
    parse_filter,
)
from firmtrail_contract.version_order import detect_scheme
from firmtrail_server.db import Connection
from firmtrail_server.db.keyset import HIGHEST_ID, LOWEST_ID
from firmtrail_server.errors import FilterRefused
from firmtrail_server.queries import device_agents, device_lists, firmware_versions
from firmtrail_server.queries.device_lists import BY_ID, BY_NAME, BY_NAME_DESCENDING, DeviceRow, KeyRange

#: a filter is compared with so many versions
MAX_VERSIONS = 10_000
#: the part of the key in which a page is looked for first
_FIRST_STRETCH = 2**128 // 1_024
#: how much wider the next one is where nothing was found
_WIDER = 32

#: components, each with a version of it
Versions = Sequence[tuple[str, str]]


async def list_page(conn: Connection, project_id: uuid.UUID, query: DeviceQuery, now: dt.datetime) -> DeviceList:
    """List the devices that a query asks for, with what they run, or ran at its moment.

    Raises:
        FilterRefused: `version` is no filter, or there are too many versions to compare it with; or an order is asked
            for where there is but one.
    """
    query = attrs.evolve(query, at=query.at if query.at and query.at < now else None)
    if query.order is not None and (query.version is not None or query.component is not None):
        raise FilterRefused("order", "must be left out with version or component: such a list comes by id")
    wanted = None if query.version is None and query.component is None else await _wanted(conn, project_id, query)
    if wanted is None:
        listed = await _by_name(conn, project_id, query)
    else:
        listed = BY_ID.page(await _by_id(conn, project_id, query, wanted), query, project_id)
    is_empty = query.version is not None and query.page_token is None and not listed.items
    return DeviceList(
        items=await _with_versions(conn, project_id, listed.items, query.at),
        next_page_token=listed.next_page_token,
        as_of=query.at or now,
        labels_as_of=now,
        near_versions=await _near(conn, project_id, query) if is_empty else [],
        total=await _total(conn, project_id, query, wanted) if query.with_total else None,
    )


async def _by_name(conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> Page[DeviceRow]:
    look, keyset = device_lists.list_devices, BY_NAME
    if query.order is DeviceOrder.NAME_DESCENDING:
        look, keyset = device_lists.list_devices_descending, BY_NAME_DESCENDING
    start = keyset.position(query, project_id)["name"]
    return keyset.page(await look(conn, project_id, query, start, query.page_size + 1), query, project_id)


async def _by_id(conn: Connection, project_id: uuid.UUID, query: DeviceQuery, versions: Versions) -> list[DeviceRow]:
    """Look through stretches of the key until the page is full.

    Ids are random, so a stretch holds its share of the devices, and the first tells how wide the next one must be: a
    common version fills the page from narrow ones, and all of a rare one is read soon.
    """
    after, width = BY_ID.position(query, project_id)["id"], _FIRST_STRETCH
    look = device_lists.list_running if query.at is None else device_lists.list_that_ran
    found: list[DeviceRow] = []
    while versions and (missing := query.page_size + 1 - len(found)) and after < HIGHEST_ID:
        until = uuid.UUID(int=min(after.int + width, HIGHEST_ID.int))
        some = await look(conn, project_id, query, KeyRange(versions, after, until), missing)
        found += some
        after, width = until, _widened(width, len(some), query.page_size + 1 - len(found))
    return found


async def _total(conn: Connection, project_id: uuid.UUID, query: DeviceQuery, versions: Versions | None) -> int:
    """Count the devices of all pages."""
    if versions is None:
        return await device_lists.count_devices(conn, project_id, query)
    count = device_lists.count_running if query.at is None else device_lists.count_that_ran
    return await count(conn, project_id, query, KeyRange(versions, LOWEST_ID, HIGHEST_ID))


def _widened(width: int, found: int, missing: int) -> int:
    """How wide the next stretch must be to hold what is missing: a quarter wider than its share of the key."""
    return min(5 * width * missing // (4 * found), width * _WIDER**2) if found else width * _WIDER


async def _wanted(conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> Versions:
    """Which versions, of which components, the query asks for."""
    components = await _components(conn, project_id, query)
    try:
        wanted = parse_filter(query.version) if query.version is not None else None
        if isinstance(wanted, ExactVersion):
            return [(component, wanted.version) for component in components]
        known = await _known(conn, project_id, components, query.at)
        return known if wanted is None else _matching(wanted, known, query.scheme)
    except VersionFilterInvalid as error:
        raise FilterRefused("version", str(error)) from None


def _matching(wanted: VersionFilter, known: Versions, scheme: VersionScheme | None) -> Versions:
    """Those that a filter lets pass, under a scheme or else under that of their component."""
    versions: defaultdict[str, list[str]] = defaultdict(list)
    for component, version in known:
        versions[component].append(version)
    schemes = {component: scheme or detect_scheme(of_component) for component, of_component in versions.items()}
    return [(component, version) for component, version in known if wanted.matches(version, schemes[component])]


async def _components(conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> list[str]:
    return [query.component] if query.component else await firmware_versions.list_components(conn, project_id)


async def _known(
    conn: Connection, project_id: uuid.UUID, components: Sequence[str], at: dt.datetime | None
) -> Versions:
    known = {*await firmware_versions.list_versions_now(conn, project_id, components, MAX_VERSIONS)}
    if at is not None:
        known |= {*await firmware_versions.list_versions_ever(conn, project_id, components, MAX_VERSIONS)}
    if len(known) >= MAX_VERSIONS:
        raise FilterRefused(
            "version", f"The project has more than {MAX_VERSIONS} versions: name a component or a version."
        )
    return sorted(known)


async def _near(conn: Connection, project_id: uuid.UUID, query: DeviceQuery) -> list[str]:
    """The versions that a filter which found nothing may have meant."""
    assert query.version is not None
    known = await _known(conn, project_id, await _components(conn, project_id, query), query.at)
    return near(query.version, {version for _, version in known} - {query.version})


async def _with_versions(
    conn: Connection, project_id: uuid.UUID, devices: Sequence[DeviceRow], at: dt.datetime | None
) -> list[ListedDevice]:
    ids = [device.id for device in devices]
    running: defaultdict[uuid.UUID, list[RunningVersion]] = defaultdict(list)
    if at is None:
        found = await device_lists.list_versions_now(conn, project_id, ids)
    else:
        found = await device_lists.list_versions_at(conn, project_id, ids, at)
    for one in found:
        running[one.device_id].append(RunningVersion(component=one.component, version=one.version, since=one.since))
    agents = {row.device_id: row.agent for row in await device_agents.list_of(conn, project_id, ids)}
    return [
        ListedDevice(
            **{field.name: getattr(device, field.name) for field in attrs.fields(Device)},
            silent_since=device.silent_since,
            firmware=running[device.id],
            agent=agents.get(device.id),
        )
        for device in devices
    ]
