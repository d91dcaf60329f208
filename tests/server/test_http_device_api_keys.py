"""The API keys of a device over HTTP: at most two alive, and a rotation that locks nobody out."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.server.callers import Caller, key_of, made, read, refusal
from tests.server.conftest import Clock, Demo


@pytest.fixture
def path(demo: Demo) -> str:
    return f"devices/{demo.device_id}/api_keys"


@pytest.fixture
def device(http: httpx.AsyncClient, demo: Demo) -> Caller:
    """The device itself, with its first key."""
    return Caller(http, demo.device_key)


async def may_report(caller: Caller, demo: Demo) -> bool:
    answer = await caller.post(f"devices/{demo.device_id}/firmware_version", {"version": "1.0"})
    assert answer.is_success or refusal(answer) == (401, "unauthenticated")
    return answer.is_success


async def living(admin: Caller, path: str) -> set[str]:
    return {key["id"] for key in read(await admin.get(path))["items"]}


async def test_a_second_key_works_beside_the_first(
    http: httpx.AsyncClient, admin: Caller, device: Caller, path: str, demo: Demo
) -> None:
    second = made(await admin.post(path, {"label": "new board"}))

    assert second["secret"].startswith("ftd_")
    assert await may_report(device, demo)
    assert await may_report(Caller(http, key_of(second)), demo)
    assert await living(admin, path) == {demo.device_key[0], second["id"]}


async def test_a_third_living_key_is_409(admin: Caller, path: str) -> None:
    made(await admin.post(path, {}))

    third = await admin.post(path, {})

    assert refusal(third) == (409, "conflict")
    assert "2 living" in third.json()["detail"]
    assert len(await living(admin, path)) == 2


async def test_of_five_keys_made_at_once_one_is_the_second(admin: Caller, path: str) -> None:
    answers = await asyncio.gather(*(admin.post(path, {}) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(await living(admin, path)) == 2


async def test_a_key_that_has_expired_makes_room(admin: Caller, path: str, clock: Clock) -> None:
    made(await admin.post(path, {"expires_at": "2026-06-01T13:00:00Z"}))
    clock.advance(hours=1)

    made(await admin.post(path, {}))


async def test_a_device_rotates_its_own_key_and_both_work_for_a_while(
    http: httpx.AsyncClient, device: Caller, path: str, demo: Demo, clock: Clock
) -> None:
    new = Caller(http, key_of(made(await device.post(f"{path}/{demo.device_key[0]}/rotate", {"overlap_seconds": 60}))))

    assert (await may_report(device, demo), await may_report(new, demo)) == (True, True)
    clock.advance(seconds=60)
    assert (await may_report(device, demo), await may_report(new, demo)) == (False, True)


async def test_a_device_whose_answer_got_lost_asks_again(
    http: httpx.AsyncClient, admin: Caller, device: Caller, path: str, demo: Demo
) -> None:
    lost = made(await device.post(f"{path}/{demo.device_key[0]}/rotate", {}))

    found = made(await device.post(f"{path}/{demo.device_key[0]}/rotate", {}))

    assert await living(admin, path) == {demo.device_key[0], found["id"]}
    assert not await may_report(Caller(http, key_of(lost)), demo)
    assert await may_report(Caller(http, key_of(found)), demo)


async def test_an_old_key_works_until_the_new_one_is_confirmed(
    http: httpx.AsyncClient, device: Caller, path: str, demo: Demo, clock: Clock
) -> None:
    issued = made(await device.post(f"{path}/{demo.device_key[0]}/rotate", {"overlap_seconds": None}))
    new = Caller(http, key_of(issued))
    clock.advance(days=400)
    assert await may_report(device, demo)

    confirmed = [await new.post(f"{path}/{issued['id']}/confirm") for _ in range(2)]

    assert [answer.status_code for answer in confirmed] == [204, 204]
    assert (await may_report(device, demo), await may_report(new, demo)) == (False, True)


async def test_a_device_confirms_no_key_but_the_one_that_it_uses(
    admin: Caller, device: Caller, path: str, other: Demo
) -> None:
    second = made(await admin.post(path, {}))

    assert refusal(await device.post(f"{path}/{second['id']}/confirm")) == (404, "not_found")
    foreign = f"devices/{other.device_id}/api_keys/{other.device_key[0]}/confirm"
    assert refusal(await device.post(foreign)) == (404, "not_found")
    assert len(await living(admin, path)) == 2


async def test_a_device_rotates_no_key_but_the_one_that_it_uses(
    admin: Caller, device: Caller, path: str, other: Demo
) -> None:
    second = made(await admin.post(path, {}))

    assert refusal(await device.post(f"{path}/{second['id']}/rotate", {})) == (404, "not_found")
    foreign = f"devices/{other.device_id}/api_keys/{other.device_key[0]}/rotate"
    assert refusal(await device.post(foreign, {})) == (404, "not_found")


async def test_somebody_else_rotates_no_key_of_a_device_that_has_two(
    admin: Caller, device: Caller, path: str, demo: Demo
) -> None:
    made(await admin.post(path, {}))

    assert refusal(await admin.post(f"{path}/{demo.device_key[0]}/rotate", {})) == (409, "conflict")
    assert await may_report(device, demo)
    assert len(await living(admin, path)) == 2


async def test_somebody_else_replaces_a_key_of_two_at_once_when_told_to(
    admin: Caller, device: Caller, path: str, demo: Demo
) -> None:
    second = made(await admin.post(path, {}))

    new = made(await admin.post(f"{path}/{demo.device_key[0]}/rotate", {"overlap_seconds": 0}))

    assert await living(admin, path) == {second["id"], new["id"]}
    assert not await may_report(device, demo)


async def test_a_deleted_key_is_refused_at_the_next_report(
    admin: Caller, device: Caller, path: str, demo: Demo
) -> None:
    assert await may_report(device, demo)

    assert (await admin.delete(f"{path}/{demo.device_key[0]}")).status_code == 204

    assert not await may_report(device, demo)
    assert await living(admin, path) == set()
    assert refusal(await admin.delete(f"{path}/{demo.device_key[0]}")) == (404, "not_found")


async def test_a_key_of_the_project_is_no_key_of_its_device(admin: Caller, path: str, demo: Demo) -> None:
    assert refusal(await admin.delete(f"{path}/{demo.project_key[0]}")) == (404, "not_found")
    assert refusal(await admin.post(f"{path}/{demo.project_key[0]}/rotate", {})) == (404, "not_found")
    read(await admin.get(path))


async def test_a_device_neither_lists_nor_makes_nor_deletes_keys(device: Caller, path: str, demo: Demo) -> None:
    answers = [await device.get(path), await device.post(path, {}), await device.delete(f"{path}/{demo.device_key[0]}")]

    assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 3
