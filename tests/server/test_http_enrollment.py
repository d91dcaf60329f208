"""Enrollment over HTTP: a device registers itself, within the limits of its key, and never becomes two."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from tests.server.callers import Caller, all_pages, key_of, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo

TERMS = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 3}
PUMP: dict[str, Any] = {"name": "Pump 1", "hardware_fingerprint": "SN-1047"}


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/enrollment_keys"


async def enroller(admin: Caller, path: str, **terms: Any) -> Caller:
    return Caller(admin.http, key_of(made(await admin.post(path, TERMS | terms))))


async def use(http: httpx.AsyncClient, enrolled: Any) -> None:
    """Let a device use its new key for the first time, for something that leaves no trace in any history."""
    read(await Caller(http, key_of(enrolled["api_key"])).get("projects/current"))


async def enrolled_names(admin: Caller, demo: Demo) -> list[str]:
    devices = await all_pages(admin, f"projects/{demo.project_id}/devices")
    return [device["name"] for device in devices if device["name"] != "Test Device"]


async def test_a_new_device_gets_an_id_a_key_and_the_labels_of_its_enrollment_key(
    http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo
) -> None:
    enrolling = await enroller(admin, path, labels={"batch": "7"})

    enrolled = made(await enrolling.post("enroll", PUMP))

    assert (enrolled["device"]["name"], enrolled["device"]["labels"]) == ("Pump 1", {"batch": "7"})
    assert enrolled["device"]["project_id"] == demo.project_id
    assert enrolled["device"]["hardware_fingerprint"] == "SN-1047"
    assert enrolled["api_key"]["secret"].startswith("ftd_")
    report = f"devices/{enrolled['device']['id']}/firmware_version"
    made(await Caller(http, key_of(enrolled["api_key"])).post(report, {"version": "1.0"}))


async def test_an_enrollment_key_has_its_terms_and_counts_its_uses(admin: Caller, path: str, demo: Demo) -> None:
    issued = made(await admin.post(path, TERMS | {"label": "line 3", "labels": {"a": "b"}, "on_known": "replace_keys"}))
    made(await Caller(admin.http, key_of(issued)).post("enroll", PUMP))

    answer = await admin.get(path)

    assert issued["secret"].startswith("fte_")
    assert read(answer)["items"] == [
        {
            "id": issued["id"],
            "project_id": demo.project_id,
            "label": "line 3",
            "secret_start": issued["secret"][:8],
            "max_uses": 3,
            "use_count": 1,
            "on_known": "replace_keys",
            "min_silence_seconds": None,
            "labels": {"a": "b"},
            "created_by": demo.project_key[0],
            "created_at": "2026-06-01T12:00:00.000000Z",
            "expires_at": "2026-07-01T00:00:00.000000Z",
        }
    ]
    assert issued["secret"][8:] not in answer.text


async def test_the_same_device_again_is_refused_and_keeps_its_key(
    http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo
) -> None:
    enrolling = await enroller(admin, path)
    first = made(await enrolling.post("enroll", PUMP))
    await use(http, first)

    again = await enrolling.post("enroll", PUMP)

    assert refusal(again) == (409, "conflict")
    assert first["device"]["id"] in again.json()["detail"]
    assert await enrolled_names(admin, demo) == ["Pump 1"]
    report = f"devices/{first['device']['id']}/firmware_version"
    made(await Caller(http, key_of(first["api_key"])).post(report, {"version": "1.0"}))


async def test_the_same_device_again_gets_a_new_key_where_that_is_allowed(
    http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo
) -> None:
    enrolling = await enroller(admin, path, on_known="replace_keys")
    first = made(await enrolling.post("enroll", PUMP))
    await use(http, first)

    again = read(await enrolling.post("enroll", PUMP))

    assert again["device"] == first["device"]
    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="device.enrolled"))["items"]
    assert sorted([event["details"] for event in trail], key=len) == [{}, {"keys": "replaced"}]
    assert await enrolled_names(admin, demo) == ["Pump 1"]
    report = f"devices/{first['device']['id']}/firmware_version"
    assert refusal(await Caller(http, key_of(first["api_key"])).post(report, {"version": "1"}))[0] == 401
    made(await Caller(http, key_of(again["api_key"])).post(report, {"version": "1"}))


@pytest.mark.parametrize("on_known", ["refuse", "replace_keys"])
@pytest.mark.parametrize(
    "claim",
    [
        {"name": "Pump 1", "hardware_fingerprint": "SN-1048"},
        {"name": "Pump 2", "hardware_fingerprint": "SN-1047"},
        {"name": "Test Device", "hardware_fingerprint": "SN-1049"},
    ],
    ids=["another machine takes the name", "the machine takes another name", "a device without a fingerprint"],
)
async def test_who_is_known_by_half_is_refused_whatever_the_key_allows(
    admin: Caller, path: str, demo: Demo, on_known: str, claim: dict[str, str]
) -> None:
    enrolling = await enroller(admin, path, on_known=on_known)
    made(await enrolling.post("enroll", PUMP))

    assert refusal(await enrolling.post("enroll", claim)) == (409, "conflict")

    assert await enrolled_names(admin, demo) == ["Pump 1"]
    assert (await admin.http.post(demo.path, json={"version": "1"}, auth=demo.device_key)).is_success


async def test_who_is_known_by_half_is_not_told_what_is_known(admin: Caller, path: str) -> None:
    enrolling = await enroller(admin, path)
    device = made(await enrolling.post("enroll", PUMP))["device"]

    by_name = await enrolling.post("enroll", PUMP | {"hardware_fingerprint": "SN-1048"})
    by_hardware = await enrolling.post("enroll", PUMP | {"name": "Pump 2"})

    assert by_name.json()["detail"] == by_hardware.json()["detail"]
    assert device["id"] not in by_name.text
    assert "Pump 1" not in by_hardware.text


async def test_what_enrollment_refuses_is_counted_and_in_the_audit_trail(admin: Caller, path: str, demo: Demo) -> None:
    enrolling = await enroller(admin, path, max_uses=3)
    enrolled = made(await enrolling.post("enroll", PUMP))
    device = enrolled["device"]
    await use(admin.http, enrolled)

    for name in ("Pump 1", "Pump 2"):
        assert refusal(await enrolling.post("enroll", PUMP | {"name": name})) == (409, "conflict")
    used_up = await enrolling.post("enroll", PUMP)

    assert refusal(used_up) == (403, "forbidden")
    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="device.enrollment_refused"))
    events = trail["items"]
    assert [event["target_id"] for event in events] == [device["id"]] * 2
    assert sorted(event["details"]["name"] for event in events) == ["Pump 1", "Pump 2"]
    assert {event["details"]["hardware_fingerprint"] for event in events} == {"SN-1047"}


async def test_a_device_that_is_taken_over_shows_when_it_last_reported(admin: Caller, path: str, demo: Demo) -> None:
    enrolling = await enroller(admin, path, on_known="replace_keys")
    first = made(await enrolling.post("enroll", PUMP))
    report = f"devices/{first['device']['id']}/firmware_version"
    made(await Caller(admin.http, key_of(first["api_key"])).post(report, {"version": "1.0"}))

    read(await enrolling.post("enroll", PUMP))

    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="device.enrolled"))["items"]
    assert {"keys": "replaced", "last_reported_at": "2026-06-01T12:00:00.000000Z"} in [one["details"] for one in trail]


async def test_a_device_prepared_with_its_fingerprint_enrolls_into_its_place(
    admin: Caller, path: str, demo: Demo
) -> None:
    prepared = made(await admin.post(f"projects/{demo.project_id}/devices", PUMP | {"labels": {"site": "oslo"}}))
    enrolling = await enroller(admin, path, on_known="replace_keys")

    assert read(await enrolling.post("enroll", PUMP))["device"] == prepared


async def test_a_retired_device_is_refused(admin: Caller, path: str) -> None:
    enrolling = await enroller(admin, path, on_known="replace_keys")
    device = made(await enrolling.post("enroll", PUMP))["device"]
    await admin.bare_post(f"devices/{device['id']}/retire")

    assert refusal(await enrolling.post("enroll", PUMP)) == (409, "conflict")


async def test_twenty_enrollments_against_a_limit_of_ten_make_ten_devices(admin: Caller, path: str, demo: Demo) -> None:
    enrolling = await enroller(admin, path, max_uses=10)

    answers = await asyncio.gather(
        *(
            enrolling.post("enroll", {"name": f"d{number}", "hardware_fingerprint": f"SN-{1047 + number}"})
            for number in range(20)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [403] * 10
    assert len(await enrolled_names(admin, demo)) == 10
    assert read(await admin.get(path))["items"][0]["use_count"] == 10


async def test_one_device_that_enrolls_five_times_at_once_is_one_device(admin: Caller, path: str, demo: Demo) -> None:
    enrolling = await enroller(admin, path, max_uses=5)

    answers = await asyncio.gather(*(enrolling.post("enroll", PUMP) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert await enrolled_names(admin, demo) == ["Pump 1"]
    assert read(await admin.get(path))["items"][0]["use_count"] == 1
    keys = [key_of(answer.json()["api_key"]) for answer in answers]
    own = [await Caller(admin.http, key).get("projects/current") for key in keys]
    assert sorted(answer.status_code for answer in own) == [200, 401, 401, 401, 401]


async def test_a_revoked_enrollment_key_is_refused_and_its_devices_stay(
    http: httpx.AsyncClient, admin: Caller, path: str
) -> None:
    enrolling = await enroller(admin, path)
    enrolled = made(await enrolling.post("enroll", PUMP))
    (key,) = read(await admin.get(path))["items"]

    assert (await admin.delete(f"{path}/{key['id']}")).status_code == 204

    assert refusal(await enrolling.post("enroll", PUMP)) == (401, "unauthenticated")
    assert read(await admin.get(path))["items"] == []
    report = f"devices/{enrolled['device']['id']}/firmware_version"
    made(await Caller(http, key_of(enrolled["api_key"])).post(report, {"version": "1"}))


async def test_an_enrollment_key_ends_when_it_expires(admin: Caller, path: str, clock: Clock) -> None:
    enrolling = await enroller(admin, path, expires_at="2026-06-01T12:05:00Z")
    made(await enrolling.post("enroll", PUMP))

    clock.advance(minutes=5)

    answer = await enrolling.post("enroll", {"name": "Pump 2", "hardware_fingerprint": "SN-1048"})
    assert refusal(answer) == (401, "unauthenticated")


async def test_an_enrollment_key_may_do_nothing_else(admin: Caller, path: str, demo: Demo, other: Demo) -> None:
    enrolling = await enroller(admin, path)
    project, device = f"projects/{demo.project_id}", f"devices/{demo.device_id}"

    known = [
        await enrolling.get(f"{project}/devices"),
        await enrolling.post(f"{project}/devices", {"name": "x"}),
        await enrolling.get(device),
        await enrolling.post(f"{device}/firmware_version", {"version": "1"}),
        await enrolling.post(f"{device}/api_keys", {}),
        await enrolling.post(path, TERMS),
    ]
    unknown = [
        await enrolling.get(f"projects/{other.project_id}/devices"),
        await enrolling.post(f"devices/{other.device_id}/firmware_version", {"version": "1"}),
    ]

    assert [refusal(answer) for answer in known] == [(403, "forbidden")] * 6
    assert [refusal(answer) for answer in unknown] == [(404, "not_found")] * 2


async def test_only_an_enrollment_key_enrolls(http: httpx.AsyncClient, admin: Caller, demo: Demo) -> None:
    assert refusal(await admin.post("enroll", PUMP)) == (403, "forbidden")
    assert refusal(await Caller(http, demo.device_key).post("enroll", PUMP)) == (403, "forbidden")
    assert refusal(await Caller(http).post("enroll", PUMP)) == (401, "unauthenticated")


@pytest.mark.parametrize("key", ["project_key", "device_key"])
async def test_a_key_of_another_kind_is_no_enrollment_key(admin: Caller, path: str, demo: Demo, key: str) -> None:
    assert refusal(await admin.delete(f"{path}/{getattr(demo, key)[0]}")) == (404, "not_found")
    read(await admin.get(path))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"max_uses": 0}, [("/max_uses", "out_of_range")]),
        ({"max_uses": 1_000_001}, [("/max_uses", "out_of_range")]),
        ({"max_uses": None}, [("/max_uses", "wrong_type")]),
        ({"expires_at": None}, [("/expires_at", "wrong_type")]),
        ({"expires_at": "2026-06-01T12:00:00Z"}, [("/expires_at", "out_of_range")]),
        ({"min_silence_seconds": 0}, [("/min_silence_seconds", "out_of_range")]),
        ({"on_known": "twin"}, [("/on_known", "unknown_value")]),
        ({"labels": {"A": "b"}}, [("/labels", "forbidden_characters")]),
        ({"use_count": 0}, [("/use_count", "unknown_field")]),
    ],
)
async def test_terms_that_are_none_are_422(
    admin: Caller, path: str, change: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    assert wrong_fields(await admin.post(path, TERMS | change)) == wrong


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "Pump 1"}, [("/hardware_fingerprint", "missing")]),
        (PUMP | {"hardware_fingerprint": ""}, [("/hardware_fingerprint", "too_short")]),
        (PUMP | {"hardware_fingerprint": "To be filled by O.E.M."}, [("/hardware_fingerprint", "malformed")]),
        (PUMP | {"hardware_fingerprint": "0123456789"}, [("/hardware_fingerprint", "malformed")]),
        (PUMP | {"name": "a\tb"}, [("/name", "forbidden_characters")]),
        (PUMP | {"labels": {"a": "b"}}, [("/labels", "unknown_field")]),
        (PUMP | {"project_id": "x"}, [("/project_id", "unknown_field")]),
    ],
)
async def test_a_device_that_is_none_is_422_and_costs_no_use(
    admin: Caller, path: str, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    enrolling = await enroller(admin, path)

    assert wrong_fields(await enrolling.post("enroll", body)) == wrong
    assert read(await admin.get(path))["items"][0]["use_count"] == 0


async def test_the_terms_go_with_the_key(admin: Caller, path: str, database_url: str) -> None:
    issued = made(await admin.post(path, TERMS))
    await admin.delete(f"{path}/{issued['id']}")

    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from enrollment_keys").fetchone() == (0,)


async def test_a_device_that_still_reports_is_not_taken_over(
    admin: Caller, path: str, demo: Demo, clock: Clock
) -> None:
    enrolling = await enroller(admin, path, max_uses=9, on_known="replace_keys", min_silence_seconds=3600)
    first = made(await enrolling.post("enroll", PUMP))
    device = Caller(admin.http, key_of(first["api_key"]))
    report = {"version": "1.0", "observed_at": "2026-05-01T00:00:00Z"}
    made(await device.post(f"devices/{first['device']['id']}/firmware_version", report))
    clock.advance(minutes=59)

    assert refusal(await enrolling.post("enroll", PUMP)) == (409, "conflict")
    made(await device.post(f"devices/{first['device']['id']}/firmware_version", {"version": "1.1"}))
    clock.advance(minutes=61)
    read(await enrolling.post("enroll", PUMP))

    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="device.enrollment_refused"))
    assert [event["details"] for event in trail["items"]] == [PUMP | {"reason": "it still reports"}]


async def test_a_device_that_never_reported_may_be_taken_over(admin: Caller, path: str) -> None:
    enrolling = await enroller(admin, path, on_known="replace_keys", min_silence_seconds=3600)
    made(await enrolling.post("enroll", PUMP))

    read(await enrolling.post("enroll", PUMP))
