"""Enrollment whose answer was lost: the same machine repeats it, until its API key was first used."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.server.callers import Caller, key_of, made, read, refusal
from tests.server.conftest import Demo

PUMP: dict[str, Any] = {"name": "Pump 1", "hardware_fingerprint": "SN-1047"}
BATCH: dict[str, Any] = {
    "sent": {"boot_id": "018f6a52-0000-4000-8000-000000000001", "boot_sequence": 1, "boot_time_ms": 1},
    "records": [],
}


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/enrollment_keys"


async def enroller(admin: Caller, path: str, **terms: Any) -> Caller:
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 1} | terms
    return Caller(admin.http, key_of(made(await admin.post(path, terms))))


async def test_a_lost_enrollment_is_repeated_and_the_lost_key_ends(
    http: httpx.AsyncClient, admin: Caller, path: str, demo: Demo
) -> None:
    enrolling = await enroller(admin, path, max_uses=1)
    lost = made(await enrolling.post("enroll", PUMP))

    again = read(await enrolling.post("enroll", PUMP))

    assert again["device"] == lost["device"]
    assert again["api_key"]["id"] != lost["api_key"]["id"]
    report = f"devices/{lost['device']['id']}/firmware_version"
    assert refusal(await Caller(http, key_of(lost["api_key"])).post(report, {"version": "1"}))[0] == 401
    made(await Caller(http, key_of(again["api_key"])).post(report, {"version": "1"}))
    assert read(await admin.get(path))["items"][0]["use_count"] == 1
    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events", action="device.enrolled"))["items"]
    details = [event["details"] for event in trail]
    assert sorted(details, key=len) == [{}, {"keys": "replaced", "replaced_key": "unused"}]


USES = ["a report", "a batch", "a token", "what it should run", "its project", "a rotation"]


async def use(key: Caller, device_id: str, how: str) -> httpx.Response:
    """Use a new key for the first time."""
    if how == "a report":
        return await key.post(f"devices/{device_id}/firmware_version", {"version": "1.0"})
    if how == "a batch":
        return await key.post(f"devices/{device_id}/firmware_reports", BATCH)
    if how == "a token":
        form = {"grant_type": "client_credentials"}
        return await key.http.post("/v1/oauth/token", data=form, auth=key.auth)
    if how == "what it should run":
        return await key.get(f"devices/{device_id}/desired_versions")
    if how == "its project":
        return await key.get("projects/current")
    assert isinstance(key.auth, tuple)
    return await key.post(f"devices/{device_id}/api_keys/{key.auth[0]}/rotate", {})


@pytest.mark.parametrize("how", USES)
async def test_a_used_key_is_never_replaced_by_a_repeat(
    http: httpx.AsyncClient, admin: Caller, path: str, how: str
) -> None:
    enrolling = await enroller(admin, path, max_uses=2)
    enrolled = made(await enrolling.post("enroll", PUMP))
    key = Caller(http, key_of(enrolled["api_key"]))
    assert (await use(key, enrolled["device"]["id"], how)).is_success

    assert refusal(await enrolling.post("enroll", PUMP)) == (409, "conflict")

    read(await key.get("projects/current"))


async def test_another_enrollment_key_repeats_nothing(admin: Caller, path: str) -> None:
    enrolled = made(await (await enroller(admin, path)).post("enroll", PUMP))

    assert refusal(await (await enroller(admin, path)).post("enroll", PUMP)) == (409, "conflict")

    read(await Caller(admin.http, key_of(enrolled["api_key"])).get("projects/current"))


@pytest.mark.parametrize("claim", [{"name": "Pump 2"}, {"hardware_fingerprint": "SN-1048"}])
async def test_another_machine_or_name_repeats_nothing(admin: Caller, path: str, claim: dict[str, str]) -> None:
    enrolling = await enroller(admin, path, max_uses=2)
    enrolled = made(await enrolling.post("enroll", PUMP))

    assert refusal(await enrolling.post("enroll", PUMP | claim)) == (409, "conflict")

    read(await Caller(admin.http, key_of(enrolled["api_key"])).get("projects/current"))


async def test_a_retired_device_repeats_nothing(admin: Caller, path: str) -> None:
    enrolling = await enroller(admin, path, max_uses=2)
    enrolled = made(await enrolling.post("enroll", PUMP))
    await admin.bare_post(f"devices/{enrolled['device']['id']}/retire")

    assert refusal(await enrolling.post("enroll", PUMP)) == (409, "conflict")


async def test_a_first_report_and_a_repeat_at_once_agree(admin: Caller, path: str) -> None:
    enrolling = await enroller(admin, path, max_uses=50)
    for number in range(8):
        pump = {"name": f"Pump {number}", "hardware_fingerprint": f"SN-{1047 + number}"}
        enrolled = made(await enrolling.post("enroll", pump))
        key = Caller(admin.http, key_of(enrolled["api_key"]))

        used, again = await asyncio.gather(
            use(key, enrolled["device"]["id"], "a report"), enrolling.post("enroll", pump)
        )

        assert (used.status_code, again.status_code) in {(201, 409), (401, 200)}
