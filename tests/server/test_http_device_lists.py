"""Lists of devices over HTTP: filters, pages, and page tokens that lead nowhere else."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.server.callers import Caller, all_pages, key_of, made, read, wrong_fields
from tests.server.conftest import Clock, Demo

FLEET = {
    "Pump 1": {"site": "berlin", "rack": "3"},
    "Pump 2": {"site": "berlin"},
    "Valve 1": {"site": "oslo", "rack": "1"},
    "valve 2": {},
}


@pytest.fixture
def path(other: Demo) -> str:
    """A project that has four devices and `Test Device`."""
    return f"projects/{other.project_id}/devices"


@pytest.fixture
async def fleet(http: httpx.AsyncClient, other: Demo, path: str, clock: Clock) -> dict[str, str]:
    """Their ids, each made an hour after the one before."""
    owner = Caller(http, other.project_key)
    ids: dict[str, str] = {}
    for name, labels in FLEET.items():
        ids[name] = made(await owner.post(path, {"name": name, "labels": labels}))["id"]
        clock.advance(hours=1)
    return ids


@pytest.fixture
def owner(http: httpx.AsyncClient, other: Demo, fleet: dict[str, str]) -> Caller:
    return Caller(http, other.project_key)


async def names(caller: Caller, path: str, **query: Any) -> list[str]:
    return [device["name"] for device in await all_pages(caller, path, **query)]


async def runs(owner: Caller, device_id: str, version: str, component: str = "main") -> None:
    keys = read(await owner.get(f"devices/{device_id}/api_keys"))["items"]
    for key in keys:
        await owner.delete(f"devices/{device_id}/api_keys/{key['id']}")
    device = Caller(owner.http, key_of(made(await owner.post(f"devices/{device_id}/api_keys", {}))))
    report = {"version": version, "component": component}
    assert (await device.post(f"devices/{device_id}/firmware_version", report)).is_success


async def test_devices_are_listed_by_name(owner: Caller, path: str) -> None:
    assert await names(owner, path) == ["Pump 1", "Pump 2", "Test Device", "Valve 1", "valve 2"]


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
async def test_devices_are_listed_by_name_from_the_last(owner: Caller, path: str, page_size: int) -> None:
    last = made(await owner.post(path, {"name": "\U0010fffd" * 200}))["name"]

    listed = await names(owner, path, order="name_descending", page_size=page_size)

    assert listed == [last, "valve 2", "Valve 1", "Test Device", "Pump 2", "Pump 1"]
    assert await names(owner, path, order="name_descending", labels="rack", page_size=page_size) == [
        "Valve 1",
        "Pump 1",
    ]


async def test_a_page_token_of_one_order_leads_nowhere_in_the_other(owner: Caller, path: str) -> None:
    token = read(await owner.get(path, page_size=1))["next_page_token"]

    answer = await owner.get(path, page_size=1, page_token=token, order="name_descending")

    assert wrong_fields(answer) == [("/page_token", "malformed")]


@pytest.mark.parametrize("filters", [{"version": "1.0.0"}, {"component": "main"}])
async def test_a_list_by_id_has_no_other_order(owner: Caller, path: str, filters: dict[str, str]) -> None:
    for order in ("name", "name_descending"):
        assert wrong_fields(await owner.get(path, **filters, order=order)) == [("/order", "malformed")]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "VALVE"}, ["Valve 1", "valve 2"]),
        ({"name": "%"}, []),
        ({"name": "_"}, []),
        ({"labels": "site=berlin"}, ["Pump 1", "Pump 2"]),
        ({"labels": "site=berlin,rack=3"}, ["Pump 1"]),
        ({"labels": "rack"}, ["Pump 1", "Valve 1"]),
        ({"labels": "rack,site=oslo"}, ["Valve 1"]),
        ({"labels": "site=rome"}, []),
        ({"created_from": "2026-06-01T14:00:00Z"}, ["Valve 1", "valve 2"]),
        ({"created_before": "2026-06-01T13:00:00Z"}, ["Pump 1", "Test Device"]),
        ({"created_from": "2026-06-02"}, []),
        ({"created_before": "2026-06-02"}, ["Pump 1", "Pump 2", "Test Device", "Valve 1", "valve 2"]),
        ({"created_from": "2026-06-01T13:00:00Z", "created_before": "2026-06-01T14:00:00Z"}, ["Pump 2"]),
        ({"state": "retired"}, []),
    ],
)
async def test_filters_choose_and_add_up(owner: Caller, path: str, query: dict[str, str], found: list[str]) -> None:
    assert await names(owner, path, **query) == found


async def test_a_version_is_what_a_device_runs_now(owner: Caller, path: str, fleet: dict[str, str]) -> None:
    await runs(owner, fleet["Pump 1"], "1.4")
    await runs(owner, fleet["Pump 2"], "1.4")
    await runs(owner, fleet["Pump 2"], "1.5")
    await runs(owner, fleet["Valve 1"], "1.4", component="boot")

    assert sorted(await names(owner, path, version="1.4")) == ["Pump 1", "Valve 1"]
    assert sorted(await names(owner, path, version="1.4", component="main")) == ["Pump 1"]
    assert sorted(await names(owner, path, component="boot")) == ["Valve 1"]
    assert sorted(await names(owner, path, version="1.4", labels="site=oslo")) == ["Valve 1"]


async def test_silence_counts_those_that_never_reported(
    owner: Caller, path: str, fleet: dict[str, str], clock: Clock
) -> None:
    await runs(owner, fleet["Pump 1"], "1.4")
    clock.advance(hours=1)
    await runs(owner, fleet["Pump 2"], "1.4")

    assert await names(owner, path, reported_from="2026-06-01T17:00:00Z") == ["Pump 2"]
    assert await names(owner, path, reported_before="2026-06-01T17:00:00Z", name="pump") == ["Pump 1"]
    assert await names(owner, path, reported_before="2026-06-01T17:00:00Z", name="1") == ["Pump 1", "Valve 1"]
    (pump,) = read(await owner.get(path, name="Pump 1"))["items"]
    assert pump["last_reported_at"] == "2026-06-01T16:00:00.000000Z"


async def test_retired_devices_are_listed_when_asked_for(owner: Caller, path: str, fleet: dict[str, str]) -> None:
    await owner.bare_post(f"devices/{fleet['Pump 1']}/retire")

    assert "Pump 1" not in await names(owner, path)
    assert await names(owner, path, state="retired") == ["Pump 1"]
    assert len(await names(owner, path, state="any")) == 5


@pytest.mark.parametrize("size", [1, 2, 4, 5, 1000])
async def test_pages_of_any_size_join_to_the_whole_list(owner: Caller, path: str, size: int) -> None:
    assert await names(owner, path, page_size=size) == ["Pump 1", "Pump 2", "Test Device", "Valve 1", "valve 2"]


async def test_pages_of_a_filtered_list_join_to_the_whole_of_it(owner: Caller, path: str) -> None:
    assert await names(owner, path, name="2", page_size=1) == ["Pump 2", "valve 2"]


async def test_a_page_token_of_another_project_filter_or_list_is_422(
    owner: Caller, admin: Caller, demo: Demo, path: str
) -> None:
    token = read(await owner.get(path, page_size=1))["next_page_token"]

    answers = [
        await admin.get(f"projects/{demo.project_id}/devices", page_token=token),
        await owner.get(path, page_token=token, name="Pump"),
        await owner.get(path, page_token=token, state="any"),
        await owner.get(path.replace("devices", "api_keys"), page_token=token),
        await owner.get(path.replace("devices", "audit_events"), page_token=token),
    ]

    assert [wrong_fields(answer) for answer in answers] == [[("/page_token", "malformed")]] * 5
    read(await owner.get(path, page_token=token, page_size=3))  # the size of a page is no filter


async def test_a_token_of_one_list_of_keys_is_none_of_another(owner: Caller, other: Demo) -> None:
    path = f"projects/{other.project_id}"
    made(await owner.post(f"{path}/api_keys", {"role": "viewer"}))
    token = read(await owner.get(f"{path}/api_keys", page_size=1))["next_page_token"]

    answer = await owner.get(f"{path}/enrollment_keys", page_token=token)

    assert wrong_fields(answer) == [("/page_token", "malformed")]


@pytest.mark.parametrize(
    "change", [{"name": "\u0000"}, {"name": 7}, {"name": "x" * 201}, {"more": 1}, {"name": None}, {}]
)
async def test_a_forged_page_token_is_422(owner: Caller, path: str, change: dict[str, Any]) -> None:
    token = read(await owner.get(path, page_size=1))["next_page_token"]
    content = json.loads(base64.urlsafe_b64decode(token))
    content["at"] = (content["at"] | change) if change else {}
    forged = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    assert wrong_fields(await owner.get(path, page_token=forged)) == [("/page_token", "malformed")]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"page_size": "0"}, ("/page_size", "out_of_range")),
        ({"page_size": "1001"}, ("/page_size", "out_of_range")),
        ({"labels": "Site=x"}, ("/labels", "forbidden_characters")),
        ({"labels": "site="}, ("/labels", "forbidden_characters")),
        ({"labels": ",site=x"}, ("/labels", "forbidden_characters")),
        ({"labels": ""}, ("/labels", "too_short")),
        ({"state": "gone"}, ("/state", "unknown_value")),
        ({"created_from": "2026-06-31"}, ("/created_from", "malformed")),
        ({"component": "A"}, ("/component", "forbidden_characters")),
        ({"name": "\u0000"}, ("/name", "forbidden_characters")),
        ({"project_id": "x"}, ("/project_id", "unknown_field")),
    ],
)
async def test_a_bad_query_is_422_and_names_the_parameter(
    owner: Caller, path: str, query: dict[str, str], wrong: tuple[str, str]
) -> None:
    assert wrong_fields(await owner.get(path, **query)) == [wrong]
