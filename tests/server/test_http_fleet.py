"""What a whole project runs and ran, over HTTP: counts, lists as of a moment, and filters of versions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest

from tests.server.callers import Caller, all_pages, key_of, made, read, wrong_fields
from tests.server.conftest import Clock, Demo

#: (device, version, day of June 2026), in this order
REPORTS = [
    ("Pump 1", "1.4.0", 1),
    ("Pump 2", "1.4.0", 2),
    ("Valve", "1.4.1", 3),
    ("Pump 1", "1.10.0", 10),
    ("Pump 2", "1.10.0", 12),
    ("Pump 2", "1.4.0", 14),
]
LABELS = {"Pump 1": {"site": "berlin"}, "Pump 2": {"site": "oslo"}, "Valve": {"site": "berlin"}}


@pytest.fixture
async def owner(http: httpx.AsyncClient, other: Demo, clock: Clock) -> Caller:
    """The owner of a project whose three devices have reported what REPORTS says; it is the 20th of June."""
    clock.moment = dt.datetime(2026, 6, 20, tzinfo=dt.UTC)
    owner = Caller(http, other.project_key)
    keys: dict[str, Caller] = {}
    paths: dict[str, str] = {}
    for name, labels in LABELS.items():
        device = made(await owner.post(f"projects/{other.project_id}/devices", {"name": name, "labels": labels}))
        paths[name] = f"devices/{device['id']}"
        keys[name] = Caller(http, key_of(made(await owner.post(f"{paths[name]}/api_keys", {}))))
    for name, version, day in REPORTS:
        report = {"version": version, "observed_at": f"2026-06-{day:02}T12:00:00Z"}
        assert (await keys[name].post(f"{paths[name]}/firmware_version", report)).is_success
    return owner


@pytest.fixture
def versions(other: Demo) -> str:
    return f"projects/{other.project_id}/firmware_versions"


@pytest.fixture
def devices(other: Demo) -> str:
    return f"projects/{other.project_id}/devices"


async def counts(owner: Caller, path: str, **query: Any) -> dict[str, int]:
    """The devices on each version, in the order of the answer."""
    return {item["version"]: item["devices"] for item in read(await owner.get(path, **query))["items"]}


async def names(owner: Caller, path: str, **query: Any) -> list[str]:
    return sorted(device["name"] for device in await all_pages(owner, path, **query))


async def test_versions_are_counted_newest_first(owner: Caller, versions: str) -> None:
    assert await counts(owner, versions) == {"1.10.0": 1, "1.4.1": 1, "1.4.0": 1}
    answer = read(await owner.get(versions))
    assert [item["newer_exists"] for item in answer["items"]] == [False, True, True]
    assert [round(item["share"], 2) for item in answer["items"]] == [0.33, 0.33, 0.33]
    assert answer["as_of"] == answer["labels_as_of"] == "2026-06-20T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-06-01T11:59:59Z", {}),
        ("2026-06-01T12:00:00Z", {"1.4.0": 1}),
        ("2026-06-09", {"1.4.1": 1, "1.4.0": 2}),
        ("2026-06-10T12:00:00Z", {"1.10.0": 1, "1.4.1": 1, "1.4.0": 1}),
        ("2026-06-13", {"1.10.0": 2, "1.4.1": 1}),
        ("2027-01-01", {"1.10.0": 1, "1.4.1": 1, "1.4.0": 1}),
    ],
)
async def test_versions_are_counted_as_of_a_moment(
    owner: Caller, versions: str, at: str, expected: dict[str, int]
) -> None:
    assert await counts(owner, versions, at=at) == expected


async def test_a_date_means_its_end_and_the_future_is_now(owner: Caller, versions: str) -> None:
    assert read(await owner.get(versions, at="2026-06-09"))["as_of"] == "2026-06-09T23:59:59.999999Z"
    assert read(await owner.get(versions, at="2027-01-01"))["as_of"] == "2026-06-20T00:00:00.000000Z"


async def test_counts_are_of_labels_components_and_devices_in_service(
    owner: Caller, versions: str, devices: str
) -> None:
    assert await counts(owner, versions, labels="site=berlin") == {"1.10.0": 1, "1.4.1": 1}
    assert await counts(owner, versions, component="modem") == {}
    (valve,) = [device for device in await all_pages(owner, devices) if device["name"] == "Valve"]
    await owner.post(f"devices/{valve['id']}/retire")

    assert await counts(owner, versions) == {"1.10.0": 1, "1.4.0": 1}
    assert await counts(owner, versions, state="retired") == {"1.4.1": 1}
    assert await counts(owner, versions, at="2026-06-13") == {"1.10.0": 2, "1.4.1": 1}


async def test_a_deleted_device_counts_at_no_moment(owner: Caller, versions: str, devices: str) -> None:
    (valve,) = [device for device in await all_pages(owner, devices) if device["name"] == "Valve"]

    await owner.delete(f"devices/{valve['id']}")

    assert await counts(owner, versions) == {"1.10.0": 1, "1.4.0": 1}
    assert await counts(owner, versions, at="2026-06-13") == {"1.10.0": 2}


async def test_the_list_shows_what_devices_run_and_ran(owner: Caller, devices: str) -> None:
    now = {device["name"]: device["firmware"] for device in await all_pages(owner, devices)}
    then = {device["name"]: device["firmware"] for device in await all_pages(owner, devices, at="2026-06-13")}

    assert now["Pump 2"] == [{"component": "main", "version": "1.4.0", "since": "2026-06-14T12:00:00.000000Z"}]
    assert then["Pump 2"] == [{"component": "main", "version": "1.10.0", "since": "2026-06-12T12:00:00.000000Z"}]
    assert now["Test Device"] == []


async def test_a_past_list_passes_by_versions_that_were_in_force_at_no_moment(
    owner: Caller, devices: str, other: Demo
) -> None:
    device, components = Caller(owner.http, other.device_key), [f"part-{number}" for number in range(8)]
    for version, day in (("a", 1), ("b", 5), ("c", 5), ("d", 5), ("e", 9)):
        for component in components:
            report = {"component": component, "version": version, "observed_at": f"2026-06-{day:02}T12:00:00Z"}
            assert (await device.post(f"devices/{other.device_id}/firmware_version", report)).is_success

    (listed,) = await all_pages(owner, devices, at="2026-06-07", component="part-0")

    assert [(one["component"], one["version"]) for one in listed["firmware"]] == [(name, "d") for name in components]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"version": "1.4.0"}, ["Pump 2"]),
        ({"version": "1.4.*"}, ["Pump 2", "Valve"]),
        ({"version": ">=1.4.1,<2"}, ["Pump 1", "Valve"]),
        ({"version": "1.4.*", "at": "2026-06-09"}, ["Pump 1", "Pump 2", "Valve"]),
        ({"version": "1.10.0", "at": "2026-06-13", "labels": "site=oslo"}, ["Pump 2"]),
        ({"component": "main"}, ["Pump 1", "Pump 2", "Valve"]),
        ({"component": "main", "at": "2026-06-02"}, ["Pump 1", "Pump 2"]),
        ({"changed_since": "2026-06-10T00:00:00Z"}, ["Pump 1", "Pump 2"]),
        ({"changed_since": "2026-06-14"}, ["Pump 2"]),
        ({"changed_since": "2026-06-15"}, []),
        ({"silent": "true"}, []),
    ],
)
async def test_devices_are_filtered_by_what_they_run(
    owner: Caller, devices: str, query: dict[str, str], expected: list[str]
) -> None:
    assert await names(owner, devices, **query) == expected
    assert await names(owner, devices, **query, page_size="1") == expected


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({}, 4),
        ({"labels": "site=berlin"}, 2),
        ({"version": "1.4.*"}, 2),
        ({"version": "1.4.*", "at": "2026-06-09"}, 3),
    ],
)
async def test_a_total_counts_all_pages(owner: Caller, devices: str, query: dict[str, str], total: int) -> None:
    page = read(await owner.get(devices, **query, with_total="true", page_size="1"))

    assert (page["total"], len(page["items"])) == (total, 1)
    assert read(await owner.get(devices, **query))["total"] is None


async def test_a_declared_scheme_orders_versions(owner: Caller, devices: str, versions: str) -> None:
    # 1.10.0 is no date, so that nothing is newer or older than it
    assert await counts(owner, versions, scheme="semver") == {"1.10.0": 1, "1.4.1": 1, "1.4.0": 1}
    by_date = read(await owner.get(versions, scheme="date"))["items"]
    assert [item["newer_exists"] for item in by_date] == [None, None, None]
    assert await names(owner, devices, version=">=1.4.1", scheme="pep440") == ["Pump 1", "Valve"]
    assert wrong_fields(await owner.get(devices, version=">=1.4.1", scheme="date")) == [("/version", "malformed")]
    assert wrong_fields(await owner.get(versions, scheme="roman"))[0][0] == "/scheme"


async def test_a_filter_that_finds_nothing_names_near_versions(owner: Caller, devices: str) -> None:
    assert read(await owner.get(devices, version="v1.4.0"))["near_versions"] == ["1.4.0", "1.4.1", "1.10.0"]
    assert read(await owner.get(devices, version="1.4.0"))["near_versions"] == []


@pytest.mark.parametrize("version", ["1.*.4", ">=", "=1.4", ">=a,b"])
async def test_a_filter_that_is_none_is_refused(owner: Caller, devices: str, version: str) -> None:
    assert wrong_fields(await owner.get(devices, version=version)) == [("/version", "malformed")]


async def test_a_history_shows_what_was_in_force(owner: Caller, devices: str) -> None:
    (pump,) = [device for device in await all_pages(owner, devices) if device["name"] == "Pump 2"]
    path = f"devices/{pump['id']}/firmware_version"

    assert [period["version"] for period in read(await owner.get(path, at="2026-06-13"))["items"]] == ["1.10.0"]
    assert read(await owner.get(path, at="2026-06-01"))["items"] == []
    assert read(await owner.get(path, at="2026-06-13"))["as_of"] == "2026-06-13T23:59:59.999999Z"
    assert read(await owner.get(path, component="modem"))["items"] == []


async def test_adoption_shows_each_version_at_each_moment(owner: Caller, other: Demo) -> None:
    answer = read(
        await owner.get(f"projects/{other.project_id}/adoption", since="2026-06-01", until="2026-06-15", step="week")
    )

    assert answer["moments"] == [
        "2026-06-01T00:00:00.000000Z",
        "2026-06-08T00:00:00.000000Z",
        "2026-06-15T00:00:00.000000Z",
        "2026-06-15T23:59:59.999999Z",
    ]
    assert {one["version"]: one["devices"] for one in answer["versions"]} == {
        "1.10.0": [0, 0, 1, 1],
        "1.4.1": [0, 1, 1, 1],
        "1.4.0": [0, 2, 1, 1],
    }
    assert [one["version"] for one in answer["versions"]] == ["1.10.0", "1.4.1", "1.4.0"]
    assert answer["versions"][0]["shares"] == [0, 0, 1 / 3, 1 / 3]
    assert answer["other_devices"] == [0, 0, 0, 0]
    assert answer["rollout"] is None


async def test_adoption_of_a_version_says_when_and_how_long(owner: Caller, other: Demo) -> None:
    answer = read(await owner.get(f"projects/{other.project_id}/adoption", since="2026-06-01", version="1.10.0"))

    assert answer["rollout"] == {
        "version": "1.10.0",
        "devices": 3,
        "first_at": "2026-06-10T12:00:00.000000Z",
        "half_at": "2026-06-12T12:00:00.000000Z",
        "ninety_percent_at": None,
        "ninety_nine_percent_at": None,
        "median_dwell_seconds": 2 * 86_400,
        "replaced": 1,
        "rolled_back": 1,
    }


async def test_the_days_of_adoption_are_those_of_the_time_zone(owner: Caller, other: Demo) -> None:
    query = {"since": "2026-06-10", "until": "2026-06-11", "time_zone": "Asia/Tokyo"}
    answer = read(await owner.get(f"projects/{other.project_id}/adoption", **query))

    assert answer["moments"] == [
        "2026-06-09T15:00:00.000000Z",
        "2026-06-10T15:00:00.000000Z",
        "2026-06-11T14:59:59.999999Z",
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"time_zone": "Mars/Olympus"},
        {"since": "2026-06-10", "until": "2026-06-01"},
        {"since": "2000-01-01", "step": "hour"},
        {"since": "2026-08-01"},
    ],
)
async def test_a_series_that_cannot_be_is_refused(owner: Caller, other: Demo, query: dict[str, str]) -> None:
    assert wrong_fields(await owner.get(f"projects/{other.project_id}/adoption", **query)) == [("/since", "malformed")]


async def test_a_change_to_a_lower_version_is_a_rollback(owner: Caller, other: Demo, devices: str) -> None:
    path = f"projects/{other.project_id}/rollbacks"
    (pump,) = [device for device in await all_pages(owner, devices) if device["name"] == "Pump 2"]

    assert await all_pages(owner, path) == [
        {
            "device_id": pump["id"],
            "device_name": "Pump 2",
            "component": "main",
            "from_version": "1.10.0",
            "to_version": "1.4.0",
            "at": "2026-06-14T12:00:00.000000Z",
        }
    ]
    assert await all_pages(owner, path, labels="site=berlin") == []
    assert await all_pages(owner, path, since="2026-06-15") == []
    assert wrong_fields(await owner.get(path, since="2025-01-01")) == [("/since", "malformed")]


async def test_a_device_that_keeps_going_back_is_flapping(owner: Caller, other: Demo, devices: str) -> None:
    path = f"projects/{other.project_id}/flapping_devices"
    (pump,) = [device for device in await all_pages(owner, devices) if device["name"] == "Pump 1"]
    key = made(await owner.post(f"devices/{pump['id']}/api_keys", {}))
    device = Caller(owner.http, key_of(key))
    assert read(await owner.get(path)) == {"items": [], "is_complete": True}

    for hour, version in enumerate(["1.4.0", "1.10.0"] * 2):
        report = {"version": version, "observed_at": f"2026-06-18T{hour:02}:00:00Z"}
        assert (await device.post(f"devices/{pump['id']}/firmware_version", report)).is_success

    (item,) = read(await owner.get(path))["items"]
    assert (item["device_name"], item["changes"]) == ("Pump 1", 4)
    assert (item["first_at"], item["last_at"]) == ("2026-06-18T00:00:00.000000Z", "2026-06-18T03:00:00.000000Z")


async def test_the_status_sums_a_project_up(owner: Caller, other: Demo, devices: str, clock: Clock) -> None:
    path = f"projects/{other.project_id}/fleet_status"
    made(await owner.post(f"projects/{other.project_id}/desired_versions", {"versions": ["1.10.0"], "priority": 1}))
    (valve,) = [device for device in await all_pages(owner, devices) if device["name"] == "Valve"]
    before = read(await owner.get(path))
    await owner.post(f"devices/{valve['id']}/retire")

    after = read(await owner.get(path))

    assert (before["devices"], before["reporting"], before["retired"]) == (4, 4, 0)
    assert (after["devices"], after["reporting"], after["retired"]) == (3, 3, 1)
    (rule,) = before["compliance"]
    assert (rule["devices"], rule["on_accepted_version"], rule["without_version"]) == (4, 1, 1)
    (main,) = before["components"]
    assert (main["component"], main["devices"], main["other_versions"]) == ("main", 3, 0)
    assert [version["version"] for version in main["versions"]] == ["1.10.0", "1.4.1", "1.4.0"]
    assert [(one["device_name"], one["version"]) for one in before["latest_changes"]] == [
        ("Pump 2", "1.4.0"),
        ("Pump 1", "1.10.0"),
        ("Valve", "1.4.1"),
    ]
