"""Devices: the same answers of the stand-in and of the server."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from firmtrail import ConflictError, InvalidRequestError, NotFoundError
from tests.sdk.kit.installation import Asking, Call

HOUR = dt.timedelta(hours=1)


async def test_a_device_is_read_as_it_was_registered(ask: Asking) -> None:
    made = await ask(lambda client: client.devices.create(None, "pump-1", labels={"site": "oslo"}))

    details = await ask(lambda client: client.devices.get(made.id))

    assert (details.name, details.labels, details.project_id) == ("pump-1", {"site": "oslo"}, made.project_id)
    assert (details.firmware, details.last_reported_at, details.retired_at, details.agent) == ([], None, None, None)
    assert str(made.project_id) == ask.installation.project_id


async def test_a_name_is_taken_once(ask: Asking) -> None:
    await ask.device("pump-1")
    second = await ask.device("pump-2")

    calls: list[Call] = [
        lambda client: client.devices.create(None, "pump-1"),
        lambda client: client.devices.update(second, name="pump-1"),
    ]
    for call in calls:
        with pytest.raises(ConflictError) as refused:
            await ask(call)
        assert refused.value.code == "conflict"


async def test_hardware_is_registered_once(ask: Asking) -> None:
    await ask(lambda client: client.devices.create(None, "pump-1", hardware_fingerprint="board 7f3a9"))

    with pytest.raises(ConflictError):
        await ask(lambda client: client.devices.create(None, "pump-2", hardware_fingerprint="board 7f3a9"))


async def test_labels_are_set_and_removed(ask: Asking) -> None:
    device_id = await ask.device("pump-1", site="oslo", rack="3")

    changed = await ask(lambda client: client.devices.update(device_id, name="p", labels={"rack": None, "room": "b"}))

    assert (changed.name, changed.labels) == ("p", {"site": "oslo", "room": "b"})


async def test_a_device_that_is_not_there_is_not_found(ask: Asking) -> None:
    nobody = uuid.uuid4()

    calls: list[Call] = [
        lambda client: client.devices.get(nobody),
        lambda client: client.devices.update(nobody, name="x"),
        lambda client: client.devices.retire(nobody),
        lambda client: client.devices.delete(nobody),
        lambda client: client.device_api_keys.create(nobody),
        lambda client: client.devices.create(nobody, "pump-1"),  # a project of others
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            await ask(call)


async def test_a_retired_device_keeps_its_history_and_loses_its_keys(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)
    await ask.ran(key, device_id, "1.0", ask.installation.now())

    retired = await ask(lambda client: client.devices.retire(device_id))

    assert retired.retired_at is not None
    assert await ask.all(lambda client: client.device_api_keys.list(device_id)) == []
    assert len(await ask.all(lambda client: client.firmware.history(device_id))) == 1
    assert await ask.all(lambda client: client.devices.list()) == []
    with pytest.raises(ConflictError):
        await ask.device_key(device_id)
    assert (await ask(lambda client: client.devices.restore(device_id))).retired_at is None
    assert len(await ask.all(lambda client: client.devices.list())) == 1


async def test_a_deleted_device_is_gone(ask: Asking) -> None:
    device_id = await ask.device("pump-1")

    await ask(lambda client: client.devices.delete(device_id))

    with pytest.raises(NotFoundError):
        await ask.all(lambda client: client.firmware.history(device_id))
    assert await ask.all(lambda client: client.devices.list()) == []


async def four_pumps(ask: Asking) -> dt.datetime:
    """Let four pumps run something; give the moment of the last report."""
    start = ask.installation.now() - 10 * HOUR
    ran = {"a": ["1.4.1"], "b": ["1.4.1", "1.5.0"], "C": ["1.5.0", "1.6.0-rc1"], "d": []}
    for name, versions in ran.items():
        device_id = await ask.device(name, site="oslo" if name in "ab" else "bonn")
        key = await ask.device_key(device_id)
        for hours, version in enumerate(versions):
            await ask.ran(key, device_id, version, start + hours * HOUR)
        if name == "a":
            await ask.ran(key, device_id, "9", start, component="modem")
    return start + HOUR


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["C", "a", "b", "d"]),
    ({"name": "c"}, ["C"]),
    ({"labels": {"site": "oslo"}}, ["a", "b"]),
    ({"labels": {"site": None}, "version": "1.4.1"}, ["a"]),
    ({"version": ">=1.5", "component": "main"}, ["C", "b"]),
    ({"version": "1.6.*"}, ["C"]),
    ({"version": "9"}, ["a"]),
    ({"version": "9", "component": "main"}, []),
    ({"component": "modem"}, ["a"]),
    ({"version": "<1.5", "scheme": "semver", "component": "main"}, ["a"]),
    ({"state": "retired"}, []),
    ({"silent": True}, []),
]


async def test_filters_find_the_same_devices(ask: Asking) -> None:
    await four_pumps(ask)

    found = [sorted(device.name for device in await ask.all(_listed(filters))) for filters, _ in FILTERS]

    assert found == [names for _, names in FILTERS]


def _listed(filters: dict[str, Any]) -> Call:
    return lambda client: client.devices.list(**filters)


async def test_devices_are_listed_with_what_they_ran_at_a_moment(ask: Asking) -> None:
    last = await four_pumps(ask)

    at = last - HOUR / 2
    listed = await ask.all(lambda client: client.devices.list(at=at))
    that_ran = await ask.all(lambda client: client.devices.list(at=at, version="1.4.1"))

    ran = {device.name: [(one.component, one.version, one.since) for one in device.firmware] for device in listed}
    main = [("main", "1.4.1", last - HOUR)]
    assert ran == {"C": [("main", "1.5.0", last - HOUR)], "a": [*main, ("modem", "9", last - HOUR)], "b": main, "d": []}
    assert {device.name for device in that_ran} == {"a", "b"}


async def test_moments_filter_devices(ask: Asking) -> None:
    last = await four_pumps(ask)

    reported = await ask.all(lambda client: client.devices.list(reported_from=last))
    quiet = await ask.all(lambda client: client.devices.list(reported_before=last))
    changed = await ask.all(lambda client: client.devices.list(changed_since=last))

    assert [device.name for device in reported] == [device.name for device in changed] == ["C", "b"]
    assert [device.name for device in quiet] == ["a", "d"]
    assert {device.last_reported_at for device in reported} == {last}


async def test_a_version_that_nobody_runs_has_near_ones(ask: Asking) -> None:
    await four_pumps(ask)
    pagers: list[Any] = []

    def listed(client: Any) -> Any:
        pagers.append(client.devices.list(version="1.5.1", with_total=True))
        return pagers[-1]

    assert await ask.all(listed) == []
    assert "1.5.0" in pagers[0].near_versions
    assert pagers[0].total == 0


async def test_pages_come_one_after_the_other(ask: Asking) -> None:
    for name in "bdacef":
        await ask.device(name)

    paged = await ask.all(lambda client: client.devices.list(page_size=2))

    assert [device.name for device in paged] == ["a", "b", "c", "d", "e", "f"]


async def test_what_is_asked_wrongly_is_named(ask: Asking) -> None:
    calls: dict[str, Call] = {
        "/page_token": lambda client: client.devices.list(page_token="no token").first(),
        "/version": lambda client: client.devices.list(version=">=").first(),
        "/since": lambda client: client.fleet.rollbacks(since=dt.date(2020, 1, 1)).first(),
    }
    for pointer, call in calls.items():
        with pytest.raises(InvalidRequestError) as refused:
            await ask(call)
        assert (refused.value.status, refused.value.code) == (422, "invalid_request")
        assert [error.pointer for error in refused.value.errors] == [pointer]
