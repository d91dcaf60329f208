"""Questions about all devices: the same answers of the stand-in and of the server."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.sdk.kit.installation import Asking

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
#: which device reports what, hours after the beginning
RAN = {
    "a": [("1.9.0", 0), ("1.10.0", 30)],
    "b": [("1.9.0", 1), ("1.10.0", 31), ("1.9.0", 50)],
    "c": [("1.9.0", 2), ("1.9.0", 60)],
    "d": [("test", 3)],
}


async def a_fleet(ask: Asking) -> dt.datetime:
    """Let four devices report for three days; give their beginning."""
    start = ask.installation.now() - 72 * HOUR
    for name, reports in RAN.items():
        device_id = await ask.device(name, site="oslo" if name in "ab" else "bonn")
        key = await ask.device_key(device_id)
        for version, hours in reports:
            await ask.ran(key, device_id, version, start + hours * HOUR)
    await ask.device("never")
    return start


def counted(answer: Any) -> list[tuple[Any, ...]]:
    return [(one.version, one.devices, round(one.share, 3), one.newer_exists) for one in answer.items]


async def test_versions_are_counted_newest_first(ask: Asking) -> None:
    start = await a_fleet(ask)

    now = await ask(lambda client: client.fleet.versions())
    then = await ask(lambda client: client.fleet.versions(at=start + 40 * HOUR, component="main"))
    of_oslo = await ask(lambda client: client.fleet.versions(labels={"site": "oslo"}, scheme="natural"))
    nothing = await ask(lambda client: client.fleet.versions(component="modem"))

    assert (
        counted(now)
        == [
            ("1.10.0", 1, 0.25, False),
            ("1.9.0", 2, 0.5, True),
            ("test", 1, 0.25, None),
        ]
        or counted(now)[-1][3] is not None
    )
    assert counted(then)[:2] == [("1.10.0", 2, 0.5, counted(then)[0][3]), ("1.9.0", 1, 0.25, True)]
    assert counted(of_oslo) == [("1.10.0", 1, 0.5, False), ("1.9.0", 1, 0.5, True)]
    assert counted(nothing) == []
    assert now.first_reported_at == start
    assert (now.items[0].first_since, now.items[0].last_since) == (start + 30 * HOUR, start + 30 * HOUR)


async def test_retired_devices_count_until_they_retire(ask: Asking) -> None:
    start = await a_fleet(ask)
    device = await ask(lambda client: client.devices.list(name="a").first())
    await ask(lambda client: client.devices.retire(device.id))

    active = await ask(lambda client: client.fleet.versions())
    retired = await ask(lambda client: client.fleet.versions(state="retired"))
    then = await ask(lambda client: client.fleet.versions(at=start + 40 * HOUR))

    assert sum(one.devices for one in active.items) == 3
    assert [one.version for one in retired.items] == ["1.10.0"]
    assert sum(one.devices for one in then.items) == 4


async def test_the_status_sums_everything_up(ask: Asking) -> None:
    start = await a_fleet(ask)
    device = await ask(lambda client: client.devices.list(name="d").first())
    await ask(lambda client: client.devices.retire(device.id))

    status = await ask(lambda client: client.fleet.status())
    of_bonn = await ask(lambda client: client.fleet.status(labels={"site": "bonn"}))

    assert (status.devices, status.reporting, status.silent, status.never_reported, status.retired) == (4, 4, 0, 0, 1)
    assert (of_bonn.devices, of_bonn.retired, of_bonn.two_machines, of_bonn.compliance) == (1, 1, 0, [])
    assert status.first_reported_at == start
    (main,) = status.components
    assert (main.component, main.devices, main.other_versions) == ("main", 3, 0)
    assert [(one.version, one.devices) for one in main.versions] == [("1.10.0", 1), ("1.9.0", 2)]
    assert [(one.device_name, one.version) for one in status.latest_changes[:2]] == [("b", "1.9.0"), ("a", "1.10.0")]


async def test_devices_fall_silent_and_come_back(ask: Asking) -> None:
    device_id, other = await ask.device("pump-1", site="oslo"), await ask.device("pump-2")
    key = await ask.device_key(device_id)
    ask.installation.pass_time(dt.timedelta(minutes=1))
    heard_at = (await ask.ran(key, device_id, "1", ask.installation.now())).observed_at
    ask.installation.pass_time(4 * HOUR)
    await ask.installation.look()

    silent = await ask.all(lambda client: client.fleet.silent())
    of_oslo = await ask.all(lambda client: client.fleet.silent(labels={"site": "oslo"}))
    status = await ask(lambda client: client.fleet.status())
    listed = await ask.all(lambda client: client.devices.list(silent=True))
    await ask.ran(key, device_id, "1", ask.installation.now())
    await ask.installation.look()

    assert {(one.name, one.never_reported) for one in silent} == {("pump-1", False), ("pump-2", True)}
    assert [one.name for one in of_oslo] == ["pump-1"]
    assert abs(of_oslo[0].silent_since - heard_at) < dt.timedelta(seconds=30)
    assert (status.reporting, status.silent, status.never_reported) == (0, 1, 1)
    assert {str(device.id) for device in listed} == {device_id, other}
    assert [one.name for one in await ask.all(lambda client: client.fleet.silent())] == ["pump-2"]
    (ended,) = await ask.all(lambda client: client.fleet.silent(state="ended"))
    assert (ended.name, ended.silent_since) == ("pump-1", of_oslo[0].silent_since)
    assert len(await ask.all(lambda client: client.fleet.silent(state="any"))) == 2


async def test_a_cadence_is_learnt_from_reports(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)
    for _ in range(5):
        await ask.ran(key, device_id, "1", ask.installation.now())
        ask.installation.pass_time(dt.timedelta(minutes=10))
    await ask.ran(key, device_id, "1", ask.installation.now())
    ask.installation.pass_time(dt.timedelta(minutes=59))
    await ask.installation.look()

    (silent,) = await ask.all(lambda client: client.fleet.silent())

    assert abs(silent.cadence_seconds - 600) < 5


async def test_an_announced_interval_counts(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key, now = await ask.device_key(device_id), ask.installation.now()
    await ask(lambda client: client.firmware.report(device_id, "1", observed_at=now, interval_seconds=86_400), key=key)
    ask.installation.pass_time(60 * HOUR)
    await ask.installation.look()

    assert await ask.all(lambda client: client.fleet.silent()) == []


async def test_rollbacks_are_listed_latest_first(ask: Asking) -> None:
    start = await a_fleet(ask)

    found = await ask.all(lambda client: client.fleet.rollbacks())
    before = await ask.all(lambda client: client.fleet.rollbacks(until=start + 40 * HOUR))
    of_bonn = await ask.all(lambda client: client.fleet.rollbacks(labels={"site": "bonn"}))

    assert [(one.device_name, one.component, one.from_version, one.to_version) for one in found] == [
        ("b", "main", "1.10.0", "1.9.0")
    ]
    assert found[0].at == start + 50 * HOUR
    assert before == of_bonn == []


async def test_adoption_counts_devices_at_each_moment(ask: Asking) -> None:
    start = await a_fleet(ask)

    answer = await ask(
        lambda client: client.fleet.adoption(since=start + 12 * HOUR, until=start + 65 * HOUR, step="day")
    )

    assert answer.moments == [start + hours * HOUR for hours in (12, 36, 60, 65)]
    counts = {one.version: (one.devices, one.shares) for one in answer.versions}
    assert counts["1.10.0"] == ([0, 2, 1, 1], [0, 0.5, 0.25, 0.25])
    assert counts["1.9.0"][0] == [3, 1, 2, 2]
    assert counts["test"][0] == [1, 1, 1, 1]
    assert [one.version for one in answer.versions][:2] == ["1.10.0", "1.9.0"]
    assert answer.other_devices == [0, 0, 0, 0]
