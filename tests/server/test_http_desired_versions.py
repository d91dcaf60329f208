"""Desired versions over HTTP: rules are set, listed and ended, and a device reads its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail_contract import MAX_RULES
from tests.served import Server
from tests.server.callers import Caller, all_pages, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo

PATH = "projects/current/desired_versions"
NOBODYS = "00000000-0000-4000-8000-000000000000"


async def rule(caller: Caller, version: str, **more: Any) -> Any:
    return made(await caller.post(PATH, {"versions": [version], **more}))


async def listed(caller: Caller, **query: Any) -> list[str]:
    return [one["versions"][0] for one in await all_pages(caller, PATH, **query)]


async def test_a_rule_is_made_listed_and_recorded(admin: Caller, demo: Demo) -> None:
    made_rule = await rule(admin, "1.5.0", labels={"site": "berlin"}, priority=3)

    assert made_rule == {
        "id": made_rule["id"],
        "project_id": demo.project_id,
        "component": "main",
        "versions": ["1.5.0"],
        "labels": {"site": "berlin"},
        "priority": 3,
        "set_by": demo.project_key[0],
        "set_at": "2026-06-01T12:00:00.000000Z",
        "ended_at": None,
    }
    assert read(await admin.get(PATH))["items"] == [made_rule]
    (event,) = read(await admin.get("projects/current/audit_events", action="desired_version.set"))["items"]
    assert (event["target_id"], event["target_name"]) == (made_rule["id"], "main 1.5.0")
    assert event["details"] == {"priority": "3", "labels": "site=berlin"}


async def test_rules_are_listed_by_component_and_priority(admin: Caller) -> None:
    for component, priority in (("main", 1), ("modem", 5), ("main", 7), ("boot", 0), ("main", 0)):
        await rule(admin, f"{component} {priority}", component=component, priority=priority)

    expected = ["boot 0", "main 7", "main 1", "main 0", "modem 5"]
    assert await listed(admin) == await listed(admin, page_size=1) == expected
    assert await listed(admin, component="main") == ["main 7", "main 1", "main 0"]


@pytest.mark.parametrize(
    ("at", "as_of"),
    [
        ({}, "2026-06-01T12:00:00.000000Z"),
        ({"at": "2026-05-03"}, "2026-05-03T23:59:59.999999Z"),
        ({"at": "2030-01-01T00:00:00Z"}, "2026-06-01T12:00:00.000000Z"),
    ],
)
async def test_a_list_of_rules_says_what_moment_it_is_about(admin: Caller, at: dict[str, str], as_of: str) -> None:
    assert read(await admin.get(PATH, **at)) == {"items": [], "next_page_token": None, "as_of": as_of}


async def test_an_ended_rule_is_in_force_in_the_past_alone(admin: Caller, clock: Clock) -> None:
    first = await rule(admin, "1")
    clock.advance(days=1)
    second = await rule(admin, "2", replaces=first["id"])
    clock.advance(days=1)

    ended = read(await admin.post(f"{PATH}/{second['id']}/end"))

    assert ended == second | {"ended_at": "2026-06-03T12:00:00.000000Z"}
    assert read(await admin.post(f"{PATH}/{second['id']}/end")) == ended  # again changes nothing
    assert await listed(admin) == []
    assert await listed(admin, state="any") == await listed(admin, state="ended", page_size=1) == ["1", "2"]
    assert await listed(admin, at="2026-06-01T11:59:59Z") == []
    assert await listed(admin, at="2026-06-01T12:00:00Z") == await listed(admin, at="2026-06-02T11:59:59Z") == ["1"]
    assert await listed(admin, at="2026-06-02T12:00:00Z") == ["2"]
    assert await listed(admin, at="2026-06-02T12:00:00Z", state="ended") == ["1"]
    events = read(await admin.get("projects/current/audit_events", action="desired_version.ended"))["items"]
    assert {event["target_id"] for event in events} == {first["id"], second["id"]}
    assert len(events) == 2


async def test_a_priority_is_taken_once_in_a_component(admin: Caller, clock: Clock) -> None:
    first = await rule(admin, "1", priority=2)
    await rule(admin, "1", priority=2, component="modem")

    refused = await admin.post(PATH, {"versions": ["2"], "priority": 2})

    assert refusal(refused) == (409, "conflict")
    assert first["id"] in refused.json()["detail"]
    await admin.post(f"{PATH}/{first['id']}/end")
    await rule(admin, "2", priority=2)
    assert refusal(await admin.post(PATH, {"versions": ["3"], "replaces": first["id"]})) == (409, "conflict")
    assert refusal(await admin.post(PATH, {"versions": ["3"], "replaces": NOBODYS})) == (404, "not_found")


async def test_a_refused_rule_ends_nothing(admin: Caller) -> None:
    await rule(admin, "1", priority=1)
    second = await rule(admin, "2", priority=2)

    refused = await admin.post(PATH, {"versions": ["3"], "priority": 1, "replaces": second["id"]})

    assert refusal(refused) == (409, "conflict")
    assert await listed(admin) == ["2", "1"]


async def test_a_project_has_a_bounded_number_of_rules(admin: Caller) -> None:
    rules = [await rule(admin, "1", priority=priority) for priority in range(MAX_RULES)]

    assert refusal(await admin.post(PATH, {"versions": ["1"], "component": "modem"})) == (409, "conflict")
    await rule(admin, "1", component="modem", replaces=rules[-1]["id"])


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("/versions", "missing")),
        ({"versions": []}, ("/versions", "too_short")),
        ({"versions": [str(n) for n in range(17)]}, ("/versions", "too_long")),
        ({"versions": ["1", "1"]}, ("/versions", "malformed")),
        ({"versions": [""]}, ("/versions", "too_short")),
        ({"versions": [1]}, ("/versions/0", "wrong_type")),
        ({"versions": ["1"], "priority": -1}, ("/priority", "out_of_range")),
        ({"versions": ["1"], "component": "Main"}, ("/component", "forbidden_characters")),
        ({"versions": ["1"], "labels": {"site": None}}, ("/labels", "wrong_type")),
        ({"versions": ["1"], "ended_at": None}, ("/ended_at", "unknown_field")),
    ],
)
async def test_a_rule_that_is_none_is_422(admin: Caller, body: object, wrong: tuple[str, str]) -> None:
    ((pointer, code),) = wrong_fields(await admin.post(PATH, body))

    assert (pointer.removesuffix("/site"), code) == wrong
    assert await listed(admin, state="any") == []


async def test_a_rule_of_another_project_is_not_there(admin: Caller, http: httpx.AsyncClient, other: Demo) -> None:
    theirs = await rule(Caller(http, other.project_key), "1")

    assert await listed(admin, state="any") == []
    assert refusal(await admin.post(f"{PATH}/{theirs['id']}/end")) == (404, "not_found")
    assert refusal(await admin.post(PATH, {"versions": ["2"], "replaces": theirs["id"]})) == (404, "not_found")
    assert await listed(Caller(http, other.project_key)) == ["1"]


async def test_viewers_read_rules_and_editors_set_them(admin: Caller) -> None:
    keys = {
        role: Caller(admin.http, key_of(made(await admin.post("projects/current/api_keys", {"role": role}))))
        for role in ("viewer", "editor")
    }
    first = await rule(keys["editor"], "1")

    assert await listed(keys["viewer"]) == ["1"]
    assert refusal(await keys["viewer"].post(PATH, {"versions": ["2"], "priority": 1})) == (403, "forbidden")
    assert refusal(await keys["viewer"].post(f"{PATH}/{first['id']}/end")) == (403, "forbidden")
    assert read(await keys["viewer"].get("projects/current/compliance"))["items"][0]["rule"] == first


async def test_a_device_reads_its_own_desired_versions(admin: Caller, demo: Demo, clock: Clock) -> None:
    device, path = Caller(admin.http, demo.device_key), f"devices/{demo.device_id}"
    await rule(admin, "1")
    await rule(admin, "2", labels={"site": "berlin"}, priority=1)
    await rule(admin, "3", labels={"site": "oslo"}, priority=2)
    modem = await rule(admin, "m", component="modem")

    assert read(await device.get(f"{path}/desired_versions"))["items"][1] == {
        "component": "modem",
        "versions": ["m"],
        "desired_version_id": modem["id"],
        "set_at": "2026-06-01T12:00:00.000000Z",
    }
    before = read(await device.get(f"{path}/desired_versions"))
    await admin.patch(path, {"labels": {"site": "berlin"}})
    after = read(await device.get(f"{path}/desired_versions"))
    assert [item["versions"] for item in before["items"]] == [["1"], ["m"]]
    assert [item["versions"] for item in after["items"]] == [["2"], ["m"]]
    assert read(await admin.get(f"{path}/desired_versions")) == after


async def test_a_device_reads_no_other_ones_desired_versions(admin: Caller, demo: Demo, other: Demo) -> None:
    twin = made(await admin.post("projects/current/devices", {"name": "twin"}))["id"]
    device = Caller(admin.http, demo.device_key)

    for device_id in (twin, other.device_id):
        assert refusal(await device.get(f"devices/{device_id}/desired_versions")) == (404, "not_found")
    assert refusal(await device.get(PATH)) == (403, "forbidden")


async def test_nothing_is_desired_of_a_retired_device(admin: Caller, demo: Demo) -> None:
    await rule(admin, "1")

    await admin.post(f"devices/{demo.device_id}/retire")

    assert read(await admin.get(f"devices/{demo.device_id}/desired_versions"))["items"] == []


async def test_a_deleted_project_leaves_no_rules(server: Server, ada: Caller, clock: Clock, database_url: str) -> None:
    project = f"projects/{made(await ada.post('projects', {'name': 'Pumps'}))['id']}"
    first = made(await ada.post(f"{project}/desired_versions", {"versions": ["1"]}))
    made(await ada.post(f"{project}/desired_versions", {"versions": ["2"], "replaces": first["id"]}))

    assert (await ada.delete(project, name="Pumps")).status_code == 204
    await server.services.sweeper.sweep(clock.moment)

    with psycopg.connect(database_url) as conn:
        assert conn.execute(
            "select (select count(*) from projects), (select count(*) from desired_versions)"
        ).fetchone() == (0, 0)


async def test_a_rule_that_another_clock_set_ends_not_before(admin: Caller, clock: Clock) -> None:
    ahead = await rule(admin, "1")
    clock.advance(seconds=-1)

    ended = read(await admin.post(f"{PATH}/{ahead['id']}/end"))

    assert ended["ended_at"] == ended["set_at"]
    assert clock.moment < dt.datetime.fromisoformat(ended["ended_at"])
