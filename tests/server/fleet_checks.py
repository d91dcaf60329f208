"""The fleet's answers, asked of the database through queries and services, held to the model's."""

from __future__ import annotations

import statistics
import uuid
from collections import Counter

import attrs
import pytest

from firmtrail_contract import DeviceQuery, DeviceState, ListedDevice
from firmtrail_contract.moments import AsOf
from firmtrail_server.db import Transaction
from firmtrail_server.history.adoption import curves
from firmtrail_server.queries import adoption, history, rollbacks
from firmtrail_server.queries.counted import Counted
from firmtrail_server.queries.firmware_versions import CountedVersion, count_at, count_now
from firmtrail_server.queries.rollbacks import Changes
from firmtrail_server.services.device_lists import list_page
from tests.server.fleet_histories import COMPONENTS, FILTERS, VERSIONS
from tests.server.real_fleet import NOW, RealFleet, moment, number


def filtered(labels: str | None) -> dict[str, str] | None:
    return {"site": labels} if labels else None


def label_filter(labels: str | None) -> str | None:
    return f"site={labels}" if labels else None


async def check_counts(fleet: RealFleet, at: int | None, labels: str | None, state: DeviceState) -> None:
    counted = Counted(components=COMPONENTS, labels=label_filter(labels), state=state)
    async with fleet.database.transaction(Transaction.READ) as conn:
        if at is None:
            found = await count_now(conn, fleet.project_id, counted, NOW, 100)
        else:
            found = await count_at(conn, fleet.project_id, counted, moment(at), 100)
    starts = {
        component: fleet.model.starts_at(component, at, labels=filtered(labels), state=state)
        for component in COMPONENTS
    }
    expected = [
        CountedVersion(
            component=component,
            version=version,
            devices=len(of_version),
            first_since=moment(of_version[0]),
            last_since=moment(of_version[-1]),
            component_devices=sum(map(len, starts[component].values())),
            versions=sum(map(len, starts.values())),
        )
        for component in COMPONENTS
        for version, of_version in starts[component].items()
    ]
    assert sorted(found, key=lambda one: (one.component, one.version)) == expected


async def check_histories(fleet: RealFleet, at: int | None) -> None:
    if at is None:
        return
    for name in fleet.model.kept_devices():
        device_id = uuid.UUID(name)
        async with fleet.database.transaction(Transaction.READ) as conn:
            found = await history.list_in_force(conn, fleet.project_id, device_id, None, moment(at))
        periods = {component: fleet.model.period_at(name, component, at) for component in COMPONENTS}
        expected = {component: period for component, period in periods.items() if period}
        assert [(one.component, one.version, number(one.first_reported_at)) for one in found] == [
            (component, period.version, period.first_reported_at) for component, period in expected.items()
        ]
        assert [one.superseded_at and number(one.superseded_at) for one in found] == [
            period.superseded_at for period in expected.values()
        ]


async def check_list(fleet: RealFleet, at: int | None, labels: str | None, query: DeviceQuery) -> None:
    query = attrs.evolve(query, labels=label_filter(labels), at=None if at is None else AsOf(moment(at)))
    model = fleet.model
    expected = model.devices(at, labels=filtered(labels), state=query.state)
    if query.component or query.version:
        components = [query.component] if query.component else COMPONENTS
        versions = VERSIONS if query.version is None else FILTERS[query.version]
        who_ran = [
            model.who_ran(component, versions, at, labels=filtered(labels), state=query.state)
            for component in components
        ]
        expected = sorted({device_id for one in who_ran for device_id in one})
    else:
        expected.sort(key=[*map(str, fleet.devices)].index)
    found = [*await all_pages(fleet, query)]
    assert [str(one.id) for one in found] == expected
    for one in found:
        running = {item.component: (item.version, number(item.since)) for item in one.firmware}
        periods = {component: model.period_at(str(one.id), component, at) for component in COMPONENTS}
        assert running == {
            component: (period.version, period.first_reported_at) for component, period in periods.items() if period
        }


async def all_pages(fleet: RealFleet, query: DeviceQuery) -> list[ListedDevice]:
    found: list[ListedDevice] = []
    while True:
        async with fleet.database.transaction(Transaction.READ) as conn:
            listed = await list_page(conn, fleet.project_id, query, NOW)
        found += listed.items
        if listed.next_page_token is None:
            return found
        assert len(listed.items) == query.page_size
        query = attrs.evolve(query, page_token=listed.next_page_token)


async def check_adoption(fleet: RealFleet, series: list[int], labels: str | None) -> None:
    for component in COMPONENTS:
        counted = Counted(components=[component], labels=label_filter(labels), state=DeviceState.ACTIVE)
        async with fleet.database.transaction(Transaction.READ) as conn:
            rows = await adoption.count_over_time(conn, fleet.project_id, counted, [*map(moment, series)])
        found = {one.version: one.devices for one in curves(rows, len(series))}
        expected = fleet.model.adoption(component, series, labels=filtered(labels))
        places = range(len(series))
        assert [Counter({version: count[at] for version, count in found.items()}) for at in places] == expected
        for version in VERSIONS:
            await check_rollout(fleet, component, version, series[-1], labels)


async def check_rollout(fleet: RealFleet, component: str, version: str, at: int, labels: str | None) -> None:
    counted = Counted(components=[component], labels=label_filter(labels), state=DeviceState.ACTIVE)
    of_version = (fleet.project_id, counted, version, moment(at))
    async with fleet.database.transaction(Transaction.READ) as conn:
        starts = await adoption.list_first_starts(conn, *of_version)
        dwell = await adoption.get_dwell(conn, *of_version)
        successors = dict(await adoption.count_successors(conn, *of_version))
    model, with_labels = fleet.model, filtered(labels)
    assert [*map(number, starts)] == model.first_starts(component, version, at, labels=with_labels)
    lengths = model.dwell(component, version, at, labels=with_labels)
    assert dwell.replaced == len(lengths)
    assert dwell.median_seconds == (pytest.approx(statistics.median(lengths) / 1_000_000) if lengths else None)
    devices = model.devices(None, labels=with_labels, state="any")
    changes = [one for one in model.changes(component) if one.previous_version == version and one.at <= at]
    expected = Counter(one.version for one in changes if one.device_id in devices)
    assert {other: times for other, times in successors.items() if other != version} == expected


async def check_changes(fleet: RealFleet, since: int, until: int, labels: str | None) -> None:
    counted = Counted(components=COMPONENTS, labels=label_filter(labels), state=DeviceState.ANY)
    changes = Changes(counted=counted, since=moment(since), until=moment(until))
    async with fleet.database.transaction(Transaction.READ) as conn:
        pairs = await rollbacks.list_pairs(conn, fleet.project_id, changes)
        of_pairs = attrs.evolve(changes, pairs=pairs)
        found = await rollbacks.list_changes(conn, fleet.project_id, of_pairs, rollbacks.KEYSET.beginning, 1_000)
    devices = fleet.model.devices(None, labels=filtered(labels), state="any")
    expected = [
        (one.at, one.device_id, component, one.previous_version, one.version)
        for component in COMPONENTS
        for one in fleet.model.changes(component)
        if since <= one.at <= until and one.device_id in devices
    ]
    assert [
        (number(one.at), str(one.device_id), one.component, one.from_version, one.to_version) for one in found
    ] == sorted(expected, reverse=True)
    assert {*pairs} == {change[2:] for change in expected}
