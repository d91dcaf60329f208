"""Two machines that report with one API key: flagged when their boots take turns, and nothing else is."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.server.callers import Caller, all_pages, key_of, made, read
from tests.server.conftest import Clock, Demo

HOUR = 3_600_000


class Machine:
    """One that sends batches; each of its boots has an id of its own."""

    def __init__(self, http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
        self._http, self._demo, self._clock = http, demo, clock
        self.key = demo.device_key
        self.boot()

    def boot(self) -> None:
        self.boot_id = uuid.uuid4()
        self._started_at = self._clock()

    def reading(self) -> dict[str, Any]:
        up = self._clock() - self._started_at
        return {"boot_id": str(self.boot_id), "boot_sequence": 1, "boot_time_ms": int(up.total_seconds() * 1000)}

    async def send(self, reading: dict[str, Any] | None = None) -> None:
        sent = reading or self.reading()
        await self.send_records(sent, (sent, "1"))

    async def send_records(self, sent: dict[str, Any], *observed: tuple[dict[str, Any], str]) -> None:
        records = [{"first_observed": at, "components": [{"version": version}]} for at, version in observed]
        path = f"/v1/devices/{self._demo.device_id}/firmware_reports"
        read(await self._http.post(path, auth=self.key, json={"sent": sent, "records": records}))


@pytest.fixture
def machine(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> Machine:
    return Machine(http, demo, clock)


@pytest.fixture
def clone(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> Machine:
    return Machine(http, demo, clock)


async def take_turns(clock: Clock, *machines: Machine) -> None:
    for one in machines:
        clock.advance(hours=1)
        await one.send()


async def since(admin: Caller, demo: Demo) -> str | None:
    return read(await admin.get(f"devices/{demo.device_id}"))["two_machines_since"]


async def found(admin: Caller, demo: Demo) -> list[Any]:
    path = f"projects/{demo.project_id}/audit_events"
    return await all_pages(admin, path, action="device.found_on_two_machines")


async def test_two_machines_that_take_turns_are_flagged(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    await take_turns(clock, machine, clone, machine)

    assert await since(admin, demo) == "2026-06-01T15:00:00.000000Z"
    (event,) = await found(admin, demo)
    assert (event["actor_id"], event["target_name"]) == (demo.device_key[0], "Test Device")
    assert event["details"] == {"boot_id": str(machine.boot_id), "other_boot_id": str(clone.boot_id)}


async def test_those_that_go_on_are_flagged_once(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    await take_turns(clock, machine, clone, machine, clone, machine, clone, clone, machine)

    assert await since(admin, demo) == "2026-06-01T15:00:00.000000Z"
    assert len(await found(admin, demo)) == 1


async def test_a_list_holds_those_that_are_flagged_or_those_that_are_not(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    path = f"projects/{demo.project_id}/devices"
    made(await admin.post(path, {"name": "another"}))
    await take_turns(clock, machine, clone, machine)

    names = {
        wanted: [device["name"] for device in read(await admin.get(path, two_machines=wanted))["items"]]
        for wanted in ("true", "false")
    }

    assert names == {"true": ["Test Device"], "false": ["another"]}


async def test_one_machine_that_boots_again_and_again_is_one(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine
) -> None:
    for _ in range(20):
        machine.boot()
        await take_turns(clock, machine, machine)

    assert await since(admin, demo) is None
    assert await found(admin, demo) == []


async def test_a_machine_that_comes_back_after_many_boots_of_the_other_is_flagged(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    await take_turns(clock, machine)
    for _ in range(20):
        clone.boot()
        await take_turns(clock, clone)

    await take_turns(clock, machine)

    assert await since(admin, demo) is not None


async def test_a_machine_that_takes_the_place_of_another_is_one(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    await take_turns(clock, machine, machine, clone, clone)

    assert await since(admin, demo) is None


async def test_a_request_that_was_held_up_until_after_a_reboot_is_no_other_machine(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine
) -> None:
    await take_turns(clock, machine)
    clock.advance(hours=1)
    before = machine.reading()
    clock.advance(seconds=20)
    machine.boot()
    await machine.send()
    clock.advance(minutes=4)

    await machine.send(before)

    assert await since(admin, demo) is None


async def test_what_a_machine_kept_of_earlier_boots_is_no_other_machine(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, clock: Clock, machine: Machine
) -> None:
    await take_turns(clock, machine)
    clock.advance(hours=1)
    earlier = machine.reading()
    machine.boot()
    clock.advance(hours=1)
    sent = machine.reading() | {"boot_sequence": 2}
    record = {"first_observed": earlier, "components": [{"version": "1"}]}

    for _ in range(3):
        clock.advance(hours=1)
        path = f"/v1/devices/{demo.device_id}/firmware_reports"
        read(await http.post(path, auth=demo.device_key, json={"sent": sent, "records": [record]}))

    assert await since(admin, demo) is None


@pytest.fixture
async def flagged(admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine) -> None:
    await take_turns(clock, machine, clone, machine)
    assert await since(admin, demo)


@pytest.mark.usefixtures("flagged")
@pytest.mark.parametrize("end", ["rotate", "delete", "retire"])
async def test_the_flag_goes_when_a_key_ends(admin: Caller, demo: Demo, end: str) -> None:
    device, key = f"devices/{demo.device_id}", f"devices/{demo.device_id}/api_keys/{demo.device_key[0]}"
    ends = {
        "rotate": lambda: admin.post(f"{key}/rotate", {}),
        "delete": lambda: admin.delete(key),
        "retire": lambda: admin.bare_post(f"{device}/retire"),
    }

    assert (await ends[end]()).is_success

    assert await since(admin, demo) is None


async def test_the_flag_goes_when_the_device_enrolls_again(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, clock: Clock
) -> None:
    terms = {"expires_at": "2026-07-01T00:00:00Z", "max_uses": 3, "on_known": "replace_keys"}
    enrolling = Caller(http, key_of(made(await admin.post(f"projects/{demo.project_id}/enrollment_keys", terms))))
    pump = {"name": "Pump 1", "hardware_fingerprint": "SN-1047"}
    enrolled = made(await enrolling.post("enroll", pump))
    demo = Demo(
        project_id=demo.project_id,
        device_id=enrolled["device"]["id"],
        project_key=demo.project_key,
        device_key=key_of(enrolled["api_key"]),
    )
    machine, clone = Machine(http, demo, clock), Machine(http, demo, clock)
    await take_turns(clock, machine, clone, machine)
    assert await since(admin, demo)

    again = read(await enrolling.post("enroll", pump))["device"]

    assert again["two_machines_since"] is None
    assert await since(admin, demo) is None


@pytest.mark.usefixtures("flagged")
async def test_after_a_rotation_a_machine_with_the_old_key_does_not_count(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    path = f"devices/{demo.device_id}/api_keys/{demo.device_key[0]}/rotate"
    machine.key = key_of(made(await admin.post(path, {})))

    await take_turns(clock, machine, clone, machine, clone)

    assert await since(admin, demo) is None


@pytest.mark.usefixtures("flagged")
async def test_a_new_key_on_both_machines_is_flagged_again(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine, clone: Machine
) -> None:
    path = f"devices/{demo.device_id}/api_keys/{demo.device_key[0]}/rotate"
    machine.key = clone.key = key_of(made(await admin.post(path, {})))

    await take_turns(clock, machine, clone, machine)

    assert await since(admin, demo) is not None
    assert len(await found(admin, demo)) == 2


@pytest.mark.parametrize("wanted", ["yes", "1", ""])
async def test_a_filter_is_true_or_false(admin: Caller, demo: Demo, wanted: str) -> None:
    answer = await admin.get(f"projects/{demo.project_id}/devices", two_machines=wanted)

    assert answer.json()["errors"][0]["pointer"] == "/two_machines"


async def test_a_batch_that_was_held_up_until_the_next_boot_had_told_of_its_boot_is_of_one_machine(
    admin: Caller, demo: Demo, clock: Clock, machine: Machine
) -> None:
    held_up = numbered(machine, 1)
    clock.advance(hours=9)
    late = numbered(machine, 1)
    machine.boot()
    clock.advance(minutes=1)
    await machine.send_records(numbered(machine, 2), (held_up, "1"), (numbered(machine, 2), "2"))
    clock.advance(hours=1)

    await machine.send_records(late, (held_up, "1"), (late, "1"))

    assert await since(admin, demo) is None
    assert read(await admin.get(f"devices/{demo.device_id}"))["firmware"][0]["version"] == "2"


def numbered(machine: Machine, number: int) -> dict[str, Any]:
    return {**machine.reading(), "boot_sequence": number}
