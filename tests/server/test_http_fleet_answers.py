"""What the API answers about a fleet is what the naive model says, after any history."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from itertools import product

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.served import Server
from tests.server.callers import Caller, all_pages, read
from tests.server.conftest import Clock
from tests.server.fleet_histories import COMPONENTS, SETTINGS, VERSIONS, Step, edges_of, histories, play
from tests.server.real_fleet import DAY, HOUR, NOW, START, RealFleet, moment, number


@pytest.mark.parametrize("asked", [{}, {"at": NOW.isoformat()}, {"at": "2099-01-01"}])
async def test_now_is_what_was_reported_last_by_a_clock_ahead_too(
    server: Server, http: httpx.AsyncClient, clock: Clock, asked: dict[str, str]
) -> None:
    clock.moment = NOW
    fleet = RealFleet(server.services.database, server.services.ingest, server.services.keys)
    await fleet.begin(1)
    await fleet.report(0, [("main", "1.0")], 0)
    await fleet.report(0, [("main", "2.0")], number(NOW) + HOUR // 60)
    reader = Caller(http, await fleet.reader())

    await check_versions(fleet, reader, None, asked)
    await check_devices(fleet, reader, None, asked)


@settings(SETTINGS, max_examples=8)
@given(histories(), st.data())
async def test_the_api_answers_what_the_model_says(
    server: Server, http: httpx.AsyncClient, clock: Clock, steps: list[Step], data: st.DataObject
) -> None:
    clock.moment = NOW
    fleet = RealFleet(server.services.database, server.services.ingest, server.services.keys)
    await play(fleet, steps)
    reader = Caller(http, await fleet.reader())

    for at in [None, data.draw(st.sampled_from([*edges_of(fleet)]))]:
        asked = {} if at is None else {"at": moment(at).isoformat()}
        await check_versions(fleet, reader, at, asked)
        await check_devices(fleet, reader, at, asked)
    await check_adoption(fleet, reader, data.draw(st.sampled_from(VERSIONS)))
    await check_changes(fleet, reader, data.draw(st.sampled_from([*edges_of(fleet)])))


async def check_versions(fleet: RealFleet, reader: Caller, at: int | None, asked: dict[str, str]) -> None:
    answer = read(await reader.get(f"projects/{fleet.project_id}/firmware_versions", **asked))
    assert dt.datetime.fromisoformat(answer["as_of"]) == (NOW if at is None else moment(at))
    counts = {component: fleet.model.counts_at(component, at) for component in COMPONENTS}
    assert [(item["component"], item["version"], item["devices"], item["share"]) for item in answer["items"]] == [
        (component, version, counts[component][version], counts[component][version] / counts[component].total())
        for component in COMPONENTS
        for version in sorted(counts[component], reverse=True)
    ]


async def check_devices(fleet: RealFleet, reader: Caller, at: int | None, asked: dict[str, str]) -> None:
    listed = await all_pages(reader, f"projects/{fleet.project_id}/devices", page_size="1", **asked)
    model = fleet.model
    assert sorted(item["id"] for item in listed) == model.devices(at)
    for item in listed:
        expected = model.versions_at(item["id"], at)
        assert {one["component"]: one["version"] for one in item["firmware"]} == expected
        if asked:
            history = read(await reader.get(f"devices/{item['id']}/firmware_version", **asked))
            assert {one["component"]: one["version"] for one in history["items"]} == expected


async def check_adoption(fleet: RealFleet, reader: Caller, version: str) -> None:
    asked = {"since": START.isoformat(), "step": "month", "component": "main", "version": version}
    answer = read(await reader.get(f"projects/{fleet.project_id}/adoption", **asked))
    moments = [number(dt.datetime.fromisoformat(at)) for at in answer["moments"]]
    found = {item["version"]: item["devices"] for item in answer["versions"]}
    expected = fleet.model.adoption("main", moments)
    assert [Counter({one: count[place] for one, count in found.items()}) for place in range(len(moments))] == expected
    starts = fleet.model.first_starts("main", version, moments[-1])
    devices = expected[-1].total()
    reached = [starts[needed - 1] if 0 < needed <= len(starts) else None for needed in (1, (devices + 1) // 2, devices)]
    rollout = answer["rollout"]
    names = ("first_at", "half_at", "ninety_nine_percent_at")
    assert [rollout[name] and number(dt.datetime.fromisoformat(rollout[name])) for name in names] == reached
    assert rollout["rolled_back"] == sum(
        one.previous_version == version for one in fleet.model.rollbacks("main", lambda one, other: one < other)
    )


async def check_changes(fleet: RealFleet, reader: Caller, since: int) -> None:
    until = since + 90 * DAY
    asked = {"since": moment(since).isoformat(), "until": moment(until).isoformat()}
    found = await all_pages(reader, f"projects/{fleet.project_id}/rollbacks", page_size="1", **asked)
    expected = [
        (one.at, one.device_id, component, one.previous_version, one.version)
        for component in COMPONENTS
        for one in fleet.model.rollbacks(component, lambda one, other: one < other)
        if since <= one.at <= until
    ]
    assert [
        (
            number(dt.datetime.fromisoformat(one["at"])),
            one["device_id"],
            one["component"],
            one["from_version"],
            one["to_version"],
        )
        for one in found
    ] == sorted(expected, reverse=True)
    flapping = read(await reader.get(f"projects/{fleet.project_id}/flapping_devices", **asked))["items"]
    assert sorted(
        (one["device_id"], one["component"], number(dt.datetime.fromisoformat(one["first_at"])), one["changes"])
        for one in flapping
    ) == sorted(flapping_of(fleet, since, until))


def flapping_of(fleet: RealFleet, since: int, until: int) -> Iterator[tuple[str, str, int, int]]:
    """Stretches of at least four returns of which each four lie within a day: (device, component, first, returns)."""
    for device_id, component in product(fleet.model.kept_devices(), COMPONENTS):
        ran = fleet.model.ran(device_id, component)
        returns = [
            one.first_reported_at
            for place, one in enumerate(ran)
            if place
            and since <= one.first_reported_at <= until
            and one.version in {other.version for other in ran[:place]}
        ]
        close = {
            at
            for place in range(len(returns) - 3)
            if returns[place + 3] - returns[place] <= DAY
            for at in returns[place : place + 4]
        }
        if close:  # one stretch, since all moments at which these histories can flap lie within two days
            yield device_id, component, min(close), len(close)
