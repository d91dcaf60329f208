"""The audit trail over HTTP: a row for every change, by whom and from where, none for reports, and no secret in any."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

import firmtrail_server
from firmtrail_server.settings import Settings
from tests.server.callers import Caller, all_pages, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, trusted_proxies=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def project(demo: Demo) -> str:
    return f"projects/{demo.project_id}"


@pytest.fixture
def path(project: str) -> str:
    return f"{project}/audit_events"


async def actions(admin: Caller, path: str, **query: Any) -> list[str]:
    return [event["action"] for event in await all_pages(admin, path, **query)]


async def test_an_event_says_who_did_what_to_what_when_and_from_where(
    http: httpx.AsyncClient, demo: Demo, admin: Caller, project: str, path: str
) -> None:
    key = made(await admin.post(f"{project}/api_keys", {"role": "editor", "label": "CI"}))
    http.headers.update({"X-Forwarded-For": "192.0.2.7", "X-Request-Id": "trace-9"})
    device = made(await Caller(http, key_of(key)).post(f"{project}/devices", {"name": "Pump 1"}))

    (event,) = read(await admin.get(path, action="device.created"))["items"]

    assert {name: value for name, value in event.items() if name != "id"} == {
        "occurred_at": "2026-06-01T12:00:00.000000Z",
        "action": "device.created",
        "actor_kind": "api_key",
        "actor_id": key["id"],
        "actor_name": "CI",
        "target_id": device["id"],
        "target_name": "Pump 1",
        "details": {},
        "address": "192.0.2.7",
        "request_id": "trace-9",
    }


async def test_an_address_that_a_proxy_makes_up_is_that_of_the_proxy(
    http: httpx.AsyncClient, admin: Caller, project: str, path: str
) -> None:
    for forwarded in (b"\xff", b"<script>", b"192.0.2.7\xc3\xa9", b"x" * 5000):
        headers = [(b"X-Forwarded-For", forwarded)]
        read(await http.patch(f"/v1/{project}", json={"name": forwarded.hex()[:9]}, auth=admin.auth, headers=headers))

    assert {event["address"] for event in read(await admin.get(path))["items"]} == {"127.0.0.1"}


async def test_the_zone_of_a_forwarded_address_is_left_out(
    http: httpx.AsyncClient, admin: Caller, project: str, path: str
) -> None:
    headers = {"X-Forwarded-For": "fe80::0001%<script>alert(1)</script>"}
    read(await http.patch(f"/v1/{project}", json={"name": "Mine"}, auth=admin.auth, headers=headers))

    assert {event["address"] for event in read(await admin.get(path))["items"]} == {"fe80::1"}


async def test_every_change_leaves_an_event(demo: Demo, admin: Caller, project: str, path: str, clock: Clock) -> None:
    async def step(answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        clock.advance(seconds=1)
        return answer.json() if answer.content else None

    device, keys = f"devices/{demo.device_id}", f"devices/{demo.device_id}/api_keys"
    await step(await admin.patch(device, {"name": "Pump 1", "labels": {"site": "oslo", "rack": None}}))
    await step(await admin.post(f"{keys}/{demo.device_key[0]}/rotate", {}))
    await step(await admin.delete(f"{keys}/{demo.device_key[0]}"))
    await step(await admin.post(keys, {"label": "second"}))
    await step(await admin.bare_post(f"{device}/retire"))
    await step(await admin.bare_post(f"{device}/restore"))
    await step(await admin.delete(device))
    await step(await admin.upload(f"{project}/devices/import", "name\nPump 2\n", "text/csv"))
    issued = await step(await admin.post(f"{project}/api_keys", {"role": "viewer"}))
    rotated = await step(await admin.post(f"{project}/api_keys/{issued['id']}/rotate", {}))
    await step(await admin.delete(f"{project}/api_keys/{rotated['id']}"))
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 3}
    enrolling = await step(await admin.post(f"{project}/enrollment_keys", terms))
    pump = {"name": "Pump 3", "hardware_fingerprint": "SN-1049"}
    await step(await Caller(admin.http, key_of(enrolling)).post("enroll", pump))
    await step(await admin.delete(f"{project}/enrollment_keys/{enrolling['id']}"))

    events = (await all_pages(admin, path))[::-1]

    assert [event["action"] for event in events] == [
        "device.changed",
        "device_api_key.rotated",
        "device_api_key.deleted",
        "device_api_key.created",
        "device.retired",
        "device.restored",
        "device.deleted",
        "device.created",
        "api_key.created",
        "api_key.rotated",
        "api_key.deleted",
        "enrollment_key.created",
        "device.enrolled",
        "enrollment_key.deleted",
    ]
    assert events[0]["details"] == {"name": "Pump 1", "label site": "oslo", "label rack": ""}
    assert (events[0]["target_name"], events[6]["target_name"]) == ("Test Device", "Pump 1")
    assert events[9]["details"] == {"new_id": rotated["id"]}
    assert (events[12]["actor_id"], events[12]["target_name"]) == (enrolling["id"], "Pump 3")


async def test_what_was_refused_or_changed_nothing_leaves_no_event(
    admin: Caller, demo: Demo, project: str, path: str
) -> None:
    await admin.post(f"{project}/devices", {"name": "Test Device"})
    await admin.post(f"{project}/devices", {})
    await admin.patch(f"devices/{demo.device_id}", {"name": "Test Device"})
    await admin.bare_post(f"devices/{demo.device_id}/restore")
    await admin.upload(f"{project}/devices/import", "name\nPump 2\n", "text/csv", dry_run="true")
    await admin.delete(f"{project}/api_keys/{demo.device_key[0]}")

    assert await actions(admin, path) == []


async def test_reports_and_reading_leave_no_event(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, path: str
) -> None:
    await http.post(demo.path, json={"version": "1.0"}, auth=demo.device_key)
    await admin.get(f"devices/{demo.device_id}")

    assert await actions(admin, path) == []


async def test_events_are_chosen_by_what_who_and_when(
    admin: Caller, demo: Demo, project: str, path: str, clock: Clock
) -> None:
    for number in range(3):
        made(await admin.post(f"{project}/devices", {"name": f"d{number}"}))
        clock.advance(hours=1)
    await admin.patch(f"devices/{demo.device_id}", {"name": "x"})

    assert await actions(admin, path) == ["device.changed"] + ["device.created"] * 3
    assert await actions(admin, path, action="device.changed") == ["device.changed"]
    assert await actions(admin, path, target_id=demo.device_id) == ["device.changed"]
    assert len(await actions(admin, path, actor_id=demo.project_key[0])) == 4
    assert await actions(admin, path, actor_id=demo.device_id) == []
    assert len(await actions(admin, path, occurred_from="2026-06-01T13:00:00Z")) == 3
    assert len(await actions(admin, path, occurred_before="2026-06-01T13:00:00Z")) == 1


async def test_pages_join_to_the_whole_trail_also_within_one_moment(
    admin: Caller, project: str, path: str, clock: Clock
) -> None:
    read(await admin.upload(f"{project}/devices/import", "name\na\nb\nc\nd\n", "text/csv"))
    clock.advance(hours=1)
    made(await admin.post(f"{project}/devices", {"name": "e"}))
    whole = read(await admin.get(path))["items"]

    assert await all_pages(admin, path, page_size=2) == whole
    assert whole[0]["target_name"] == "e"
    assert len({event["id"] for event in whole}) == 5


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"action": "device.exploded"}, ("/action", "unknown_value")),
        ({"actor_id": "me"}, ("/actor_id", "malformed")),
        ({"occurred_from": "yesterday"}, ("/occurred_from", "malformed")),
        ({"page_size": "1001"}, ("/page_size", "out_of_range")),
    ],
)
async def test_a_bad_query_is_422(admin: Caller, path: str, query: dict[str, str], wrong: tuple[str, str]) -> None:
    assert wrong_fields(await admin.get(path, **query)) == [wrong]


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_only_admins_read_the_trail(admin: Caller, project: str, path: str, role: str) -> None:
    caller = Caller(admin.http, key_of(made(await admin.post(f"{project}/api_keys", {"role": role}))))

    assert refusal(await caller.get(path)) == (403, "forbidden")


async def test_no_secret_stands_in_the_trail(admin: Caller, project: str, demo: Demo, database_url: str) -> None:
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 3}
    issued = [
        made(await admin.post(f"{project}/api_keys", {"role": "viewer"})),
        made(await admin.post(f"{project}/enrollment_keys", terms)),
        made(await admin.post(f"devices/{demo.device_id}/api_keys", {})),
    ]

    with psycopg.connect(database_url) as conn:
        trail = conn.execute("select string_agg(audit_events::text, '') from audit_events").fetchone()
    assert trail is not None
    assert not re.search("ft[dpei]_", trail[0])
    assert not [one for one in issued if one["secret"][4:12] in trail[0]]


async def test_an_event_outlives_its_actor_and_its_target(
    http: httpx.AsyncClient, admin: Caller, project: str, path: str
) -> None:
    key = made(await admin.post(f"{project}/api_keys", {"role": "admin", "label": "a passer-by"}))
    passer_by = Caller(http, key_of(key))
    device = made(await passer_by.post(f"{project}/devices", {"name": "Pump 1"}))
    await admin.delete(f"{project}/api_keys/{key['id']}")
    await admin.delete(f"devices/{device['id']}")

    (created,) = read(await admin.get(path, action="device.created"))["items"]

    assert (created["actor_name"], created["target_name"]) == ("a passer-by", "Pump 1")


def test_no_statement_changes_or_deletes_events() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(firmtrail_server.__file__).parent.rglob("*.py")]

    assert not [text for text in sources if re.search(r"(?i)(update|delete\s+from|truncate)\s+audit_events", text)]
