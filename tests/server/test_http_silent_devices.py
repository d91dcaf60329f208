"""Silent devices over HTTP: the order, the pages, the filters, and who comes back."""

from __future__ import annotations

import base64
import json
from typing import Any

import attrs
import pytest

from tests.served import Server
from tests.server.callers import Caller, all_pages, key_of, made, read, wrong_fields
from tests.server.conftest import Clock, Demo


@attrs.frozen
class Fleet:
    """The devices a, b, c and d: registered, and then heard of once, an hour after one another."""

    admin: Caller
    server: Server
    clock: Clock
    path: str
    devices: dict[str, str]

    async def report(self, name: str, **said: Any) -> None:
        key = key_of(made(await self.admin.post(f"devices/{self.devices[name]}/api_keys", {})))
        report = {"version": "1.4", **said}
        answer = await Caller(self.admin.http, key).post(f"devices/{self.devices[name]}/firmware_version", report)
        assert answer.is_success

    async def sweep(self) -> None:
        await self.server.services.silences.sweep(self.clock())

    async def names(self, **query: Any) -> list[str]:
        return [one["name"] for one in await all_pages(self.admin, self.path, **query)]


@pytest.fixture
async def fleet(admin: Caller, demo: Demo, server: Server, clock: Clock) -> Fleet:
    """All but d report; now all are silent, and the demo's own device is gone."""
    await admin.delete(f"devices/{demo.device_id}")
    path, devices = f"projects/{demo.project_id}", dict[str, str]()
    for name in "dcba":
        body = {"name": name, "labels": {"site": "oslo" if name in "ab" else "rome"}}
        devices[name] = made(await admin.post(f"{path}/devices", body))["id"]
    fleet = Fleet(admin, server, clock, f"{path}/silent_devices", devices)
    for name in "abc":
        clock.advance(hours=1)
        await fleet.report(name, component="modem" if name == "c" else "main")
    clock.advance(days=1)
    await fleet.sweep()
    return fleet


async def test_the_longest_silence_comes_first(fleet: Fleet) -> None:
    assert await fleet.names() == ["d", "a", "b", "c"]


async def test_a_silent_device_is_shown_with_its_pace(fleet: Fleet) -> None:
    await fleet.report("a", interval_seconds=600)
    fleet.clock.advance(days=30)
    await fleet.sweep()

    items = {one["name"]: one for one in read(await fleet.admin.get(fleet.path))["items"]}

    assert items["d"] == {
        "device_id": fleet.devices["d"],
        "name": "d",
        "labels": {"site": "rome"},
        "silent_since": "2026-06-01T12:00:00.000000Z",
        "ended_at": None,
        "last_reported_at": None,
        "cadence_seconds": None,
        "never_reported": True,
    }
    assert items["a"]["silent_since"] == items["a"]["last_reported_at"] == "2026-06-02T15:00:00.000000Z"
    assert (items["a"]["never_reported"], items["a"]["cadence_seconds"]) == (False, 26 * 3600)


async def test_who_came_back_is_listed_with_both_moments(fleet: Fleet) -> None:
    await fleet.report("b")
    await fleet.sweep()

    (back,) = read(await fleet.admin.get(fleet.path, state="ended"))["items"]

    assert (back["name"], back["silent_since"]) == ("b", "2026-06-01T14:00:00.000000Z")
    assert back["ended_at"] == "2026-06-02T15:00:00.000000Z"
    assert await fleet.names() == ["d", "a", "c"]
    assert await fleet.names(state="any") == ["d", "a", "b", "c"]
    assert await fleet.names(state="ended", ended_from="2026-06-02T15:00:00Z") == ["b"]
    assert await fleet.names(state="ended", ended_before="2026-06-02T15:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"labels": "site=oslo"}, ["a", "b"]),
        ({"labels": "site"}, ["d", "a", "b", "c"]),
        ({"component": "modem"}, ["c"]),
        ({"silent_since_before": "2026-06-01T14:00:00Z"}, ["d", "a"]),
        ({"silent_since_from": "2026-06-01T14:00:00Z"}, ["b", "c"]),
        ({"silent_since_from": "2026-06-01T13:00:00Z", "labels": "site=rome"}, ["c"]),
    ],
)
async def test_filters_add_up(fleet: Fleet, query: dict[str, str], found: list[str]) -> None:
    assert await fleet.names(**query) == found


async def test_a_retired_device_is_not_listed_and_a_restored_one_is(fleet: Fleet) -> None:
    await fleet.admin.bare_post(f"devices/{fleet.devices['a']}/retire")
    assert await fleet.names() == ["d", "b", "c"]  # before any sweep has seen it
    await fleet.sweep()

    await fleet.admin.bare_post(f"devices/{fleet.devices['a']}/restore")
    await fleet.sweep()

    assert await fleet.names() == ["d", "a", "b", "c"]


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
async def test_pages_of_any_size_join_to_the_whole_list(fleet: Fleet, size: int) -> None:
    assert await fleet.names(page_size=size) == ["d", "a", "b", "c"]


async def test_silences_that_began_together_are_all_on_pages(fleet: Fleet) -> None:
    for number in range(5):
        body = {"name": f"new {number}"}
        made(await fleet.admin.post(fleet.path.replace("silent_", ""), body))
    fleet.clock.advance(days=1)
    await fleet.sweep()

    found = await fleet.names(page_size=2, silent_since_from="2026-06-02T00:00:00Z")

    assert sorted(found) == [f"new {number}" for number in range(5)]


async def test_a_page_token_of_another_list_is_422(fleet: Fleet) -> None:
    token = read(await fleet.admin.get(fleet.path, page_size=1))["next_page_token"]

    answers = [
        await fleet.admin.get(fleet.path, page_token=token, labels="site"),
        await fleet.admin.get(fleet.path, page_token=token, state="any"),
        await fleet.admin.get(fleet.path.replace("silent_", ""), page_token=token),
    ]

    assert [wrong_fields(answer) for answer in answers] == [[("/page_token", "malformed")]] * 3


@pytest.mark.parametrize("change", [{"silent_since": "soon"}, {"silent_since": None}, {"device_id": "x"}, {"more": 1}])
async def test_a_forged_page_token_is_422(fleet: Fleet, change: dict[str, Any]) -> None:
    token = read(await fleet.admin.get(fleet.path, page_size=1))["next_page_token"]
    content = json.loads(base64.urlsafe_b64decode(token))
    content["at"] |= change
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    assert wrong_fields(await fleet.admin.get(fleet.path, page_token=forged)) == [("/page_token", "malformed")]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"state": "gone"}, ("/state", "unknown_value")),
        ({"labels": "Site=x"}, ("/labels", "forbidden_characters")),
        ({"component": "A"}, ("/component", "forbidden_characters")),
        ({"silent_since_from": "soon"}, ("/silent_since_from", "malformed")),
        ({"silent_since": "2026-06-01T14:00:00Z"}, ("/silent_since", "unknown_field")),
    ],
)
async def test_a_bad_query_is_422_and_names_the_parameter(
    fleet: Fleet, query: dict[str, str], wrong: tuple[str, str]
) -> None:
    assert wrong_fields(await fleet.admin.get(fleet.path, **query)) == [wrong]


@pytest.mark.parametrize("seconds", [9, 31 * 24 * 3600 + 1])
async def test_an_interval_beyond_the_agents_bounds_is_422(admin: Caller, demo: Demo, seconds: int) -> None:
    device = Caller(admin.http, demo.device_key)

    answer = await device.post(
        f"devices/{demo.device_id}/firmware_version", {"version": "1", "interval_seconds": seconds}
    )

    assert wrong_fields(answer) == [("/interval_seconds", "out_of_range")]
