"""The devices of a project over HTTP: registered, read, changed, retired and deleted."""

from __future__ import annotations

import asyncio

import httpx
import psycopg
import pytest

from tests.server.callers import Caller, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/devices"


async def test_a_new_device_has_what_it_was_given(admin: Caller, path: str, demo: Demo) -> None:
    device = made(
        await admin.post(path, {"name": "Pump 7", "labels": {"site": "berlin"}, "hardware_fingerprint": "A1"})
    )

    assert {key: value for key, value in device.items() if key != "id"} == {
        "project_id": demo.project_id,
        "name": "Pump 7",
        "labels": {"site": "berlin"},
        "hardware_fingerprint": "A1",
        "created_at": "2026-06-01T12:00:00.000000Z",
        "retired_at": None,
        "two_machines_since": None,
        "last_reported_at": None,
    }
    assert read(await admin.get(f"devices/{device['id']}")) == {**device, "firmware": [], "agent": None}


async def test_a_second_device_of_one_name_is_409_and_says_which_has_it(admin: Caller, path: str) -> None:
    first = made(await admin.post(path, {"name": "Pump 7"}))

    second = await admin.post(path, {"name": "Pump 7"})

    assert refusal(second) == (409, "conflict")
    assert first["id"] in second.json()["detail"]


async def test_a_second_device_of_one_hardware_is_409_and_says_which_has_it(admin: Caller, path: str) -> None:
    first = made(await admin.post(path, {"name": "Pump 7", "hardware_fingerprint": "A1"}))

    second = await admin.post(path, {"name": "Pump 8", "hardware_fingerprint": "A1"})

    assert refusal(second) == (409, "conflict")
    assert first["id"] in second.json()["detail"]


async def test_names_are_unique_in_a_project_only(
    http: httpx.AsyncClient, admin: Caller, path: str, other: Demo
) -> None:
    made(await admin.post(path, {"name": "Pump 7"}))

    made(await Caller(http, other.project_key).post(f"projects/{other.project_id}/devices", {"name": "Pump 7"}))


async def test_of_ten_devices_of_one_name_at_once_one_is_made(admin: Caller, path: str) -> None:
    answers = await asyncio.gather(*(admin.post(path, {"name": "Pump 7"}) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_of_five_renames_to_one_name_at_once_one_is_done(admin: Caller, path: str) -> None:
    devices = [made(await admin.post(path, {"name": f"Pump {number}"})) for number in range(5)]

    answers = await asyncio.gather(*(admin.patch(f"devices/{one['id']}", {"name": "The pump"}) for one in devices))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 4


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("/name", "missing")]),
        ({"name": ""}, [("/name", "too_short")]),
        ({"name": "x" * 201}, [("/name", "too_long")]),
        ({"name": "a\nb"}, [("/name", "forbidden_characters")]),
        ({"name": "a", "labels": []}, [("/labels", "wrong_type")]),
        (
            {"name": "a", "labels": {"site": 1, "x": None}},
            [("/labels/site", "wrong_type"), ("/labels/x", "wrong_type")],
        ),
        ({"name": "a", "labels": {"Site": "x"}}, [("/labels", "forbidden_characters")]),
        ({"name": "a", "labels": {"site": "a,b"}}, [("/labels", "forbidden_characters")]),
        ({"name": "a", "labels": {"site": ""}}, [("/labels", "too_short")]),
        ({"name": "a", "labels": {f"k{number}": "x" for number in range(65)}}, [("/labels", "too_long")]),
        ({"name": "a", "hardware_fingerprint": ""}, [("/hardware_fingerprint", "too_short")]),
        ({"name": "a", "hardware_fingerprint": "To be filled by O.E.M."}, [("/hardware_fingerprint", "malformed")]),
        ({"name": "a", "id": "00000000-0000-4000-8000-000000000000"}, [("/id", "unknown_field")]),
        ({"name": "a", "project_id": "00000000-0000-4000-8000-000000000000"}, [("/project_id", "unknown_field")]),
        ({"name": "a", "retired_at": None}, [("/retired_at", "unknown_field")]),
    ],
)
async def test_a_device_that_is_none_is_422_and_names_the_field(
    admin: Caller, path: str, body: object, wrong: list[tuple[str, str]]
) -> None:
    assert wrong_fields(await admin.post(path, body)) == wrong
    assert [device["name"] for device in read(await admin.get(path))["items"]] == ["Test Device"]


async def test_a_device_shows_what_its_components_run_now(http: httpx.AsyncClient, admin: Caller, demo: Demo) -> None:
    for component, version in (("main", "1.0"), ("main", "1.1"), ("boot", "7")):
        await http.post(demo.path, json={"component": component, "version": version}, auth=demo.device_key)

    device = read(await admin.get(f"devices/{demo.device_id}"))

    assert [(one["component"], one["version"]) for one in device["firmware"]] == [("boot", "7"), ("main", "1.1")]
    assert device["last_reported_at"] == "2026-06-01T12:00:00.000000Z"


async def test_a_change_alters_what_it_names_and_nothing_else(admin: Caller, path: str) -> None:
    device = made(await admin.post(path, {"name": "Pump 7", "labels": {"site": "berlin", "rack": "3"}}))

    changed = read(await admin.patch(f"devices/{device['id']}", {"labels": {"rack": None, "hall": "2"}}))

    assert changed == {**device, "labels": {"site": "berlin", "hall": "2"}}
    assert read(await admin.patch(f"devices/{device['id']}", {"name": "Pump 8"})) == {**changed, "name": "Pump 8"}
    assert read(await admin.patch(f"devices/{device['id']}", {})) == {**changed, "name": "Pump 8"}


async def test_a_device_may_be_given_the_name_that_it_has(admin: Caller, path: str) -> None:
    device = made(await admin.post(path, {"name": "Pump 7"}))

    assert read(await admin.patch(f"devices/{device['id']}", {"name": "Pump 7"})) == device


async def test_labels_that_add_up_to_too_many_are_409(admin: Caller, path: str) -> None:
    device = made(await admin.post(path, {"name": "a", "labels": {f"k{number}": "x" for number in range(64)}}))

    assert refusal(await admin.patch(f"devices/{device['id']}", {"labels": {"more": "x"}})) == (409, "conflict")
    read(await admin.patch(f"devices/{device['id']}", {"labels": {"more": "x", "k1": None}}))


@pytest.mark.parametrize("body", [{"id": "x"}, {"project_id": "x"}, {"hardware_fingerprint": "x"}, {"created_at": "x"}])
async def test_what_is_no_part_of_a_change_is_422(admin: Caller, demo: Demo, body: dict[str, str]) -> None:
    (field,) = body

    assert wrong_fields(await admin.patch(f"devices/{demo.device_id}", body)) == [(f"/{field}", "unknown_field")]


async def test_a_retired_device_keeps_its_history_and_may_report_no_more(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, clock: Clock
) -> None:
    await http.post(demo.path, json={"version": "1.0"}, auth=demo.device_key)
    clock.advance(hours=1)

    retired = read(await admin.bare_post(f"devices/{demo.device_id}/retire"))

    assert retired["retired_at"] == "2026-06-01T13:00:00.000000Z"
    assert refusal(await http.post(demo.path, json={"version": "1.1"}, auth=demo.device_key)) == (
        401,
        "unauthenticated",
    )
    assert [one["version"] for one in read(await admin.get(f"devices/{demo.device_id}/firmware_version"))["items"]] == [
        "1.0"
    ]


async def test_retiring_twice_is_once(admin: Caller, demo: Demo, clock: Clock) -> None:
    first = read(await admin.bare_post(f"devices/{demo.device_id}/retire"))
    clock.advance(hours=1)

    assert read(await admin.bare_post(f"devices/{demo.device_id}/retire")) == first


async def test_a_retired_device_gets_a_key_again_after_it_was_restored(
    http: httpx.AsyncClient, admin: Caller, demo: Demo
) -> None:
    await admin.bare_post(f"devices/{demo.device_id}/retire")
    assert refusal(await admin.post(f"devices/{demo.device_id}/api_keys", {})) == (409, "conflict")

    assert read(await admin.bare_post(f"devices/{demo.device_id}/restore"))["retired_at"] is None

    key = key_of(made(await admin.post(f"devices/{demo.device_id}/api_keys", {})))
    assert (await http.post(demo.path, json={"version": "1.0"}, auth=key)).status_code == 201


async def test_a_deleted_device_is_gone_with_its_keys_and_its_name_is_free(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, path: str
) -> None:
    for version in ("1.0", "1.1"):
        await http.post(demo.path, json={"version": version}, auth=demo.device_key)

    assert (await admin.delete(f"devices/{demo.device_id}")).status_code == 204

    assert refusal(await admin.get(f"devices/{demo.device_id}")) == (404, "not_found")
    assert refusal(await admin.get(f"devices/{demo.device_id}/firmware_version")) == (404, "not_found")
    assert refusal(await http.post(demo.path, json={"version": "1"}, auth=demo.device_key))[0] == 401
    made(await admin.post(path, {"name": "Test Device"}))


async def test_a_deletion_has_no_body_and_the_second_one_is_404(admin: Caller, demo: Demo) -> None:
    first = await admin.delete(f"devices/{demo.device_id}")
    second = await admin.delete(f"devices/{demo.device_id}")

    assert (first.content, first.headers.get("Content-Type")) == (b"", None)
    assert refusal(second) == (404, "not_found")


async def test_a_device_of_another_project_is_neither_read_nor_changed(
    admin: Caller, other: Demo, database_url: str
) -> None:
    answers = [
        await admin.get(f"devices/{other.device_id}"),
        await admin.patch(f"devices/{other.device_id}", {"name": "Mine"}),
        await admin.bare_post(f"devices/{other.device_id}/retire"),
        await admin.delete(f"devices/{other.device_id}"),
        await admin.post(f"projects/{other.project_id}/devices", {"name": "Mine"}),
        await admin.get(f"projects/{other.project_id}/devices"),
    ]

    assert [refusal(answer) for answer in answers] == [(404, "not_found")] * 6
    with psycopg.connect(database_url) as conn:
        found = conn.execute("select name, retired_at from devices where id = %s", [other.device_id]).fetchall()
    assert found == [("Test Device", None)]
