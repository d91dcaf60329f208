"""What the daemon knows after outages, reboots and damage, and that it writes no more than it has to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmtrail_agent.state.record_files import look_into
from tests.agent.support.device import Device
from tests.agent.support.report_server import ReportServer, refusing, taken
from tests.agent.support.virtual_time import VirtualTime, running

HOUR = 3600


def spooled(device: Device) -> list[str | None]:
    return [one.record.components[0].version for one in look_into(device.root / "var/lib/firmtrail-agent/spool")]


def state(device: Device) -> dict[str, tuple[int, int]]:
    folder = device.root / "var/lib/firmtrail-agent"
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    } | {"the spool itself": (0, (folder / "spool").stat().st_mtime_ns)}


async def test_no_transition_is_lost_while_the_server_refuses(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = refusing(404)
    async with running(device, time):
        await server.arrival()
        for version in ("1.5.0", "1.4.2", "1.6.0"):
            device.write("/etc/version", version)
            await time.passes(2 * HOUR)
        server.answer = taken

        batch = await server.arrival_of(main="1.6.0")

    assert [one["main"] for one in batch.history] == ["1.4.2", "1.5.0", "1.4.2", "1.6.0"]


async def test_three_days_without_network_are_one_record_and_come_before_what_runs_then(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    device.configure("http://127.0.0.1:9")
    async with running(device, time):
        await time.passes(3 * 24 * HOUR)
        assert spooled(device) == ["1.4.2"]
        device.configure(server.url)
        os.kill(os.getpid(), signal.SIGHUP)
        device.write("/etc/version", "1.5.0")

        batch = await server.arrival_of(main="1.5.0")

    first, last = batch.records
    assert first["last_observed"]["boot_time_ms"] - first["first_observed"]["boot_time_ms"] >= 70 * HOUR * 1000
    assert last["first_observed"]["boot_time_ms"] <= batch.sent["boot_time_ms"]


async def test_a_device_that_falls_back_before_its_first_report_has_run_the_other_version_all_the_same(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
    device.config.write_text(device.config.read_text().replace("first_within_seconds = 0", ""))
    time.reboot()
    device.write("/etc/version", "2.0.0")
    async with running(device, time):
        await time.passes(1)
    time.reboot()
    device.write("/etc/version", "1.4.2")

    async with running(device, time):
        batch = await server.arrival()

    assert [one["main"] for one in batch.history] == ["2.0.0", "1.4.2"]
    assert [record["first_observed"]["boot_sequence"] for record in batch.records] == [2, 3]


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_bytes(b"rotten\n"),
    "bytes": lambda file: file.write_bytes(b"\xff" * 5000),
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_whatever_has_become_of_its_state_it_reports_what_runs_now(
    device: Device, server: ReportServer, time: VirtualTime, damage: Callable[[Path], object]
) -> None:
    async with running(device, time):
        await server.arrival()
        server.answer = refusing(503)
        device.write("/etc/version", "1.5.0")
        await time.passes(2 * HOUR)
    files = [file for file in (device.root / "var/lib/firmtrail-agent").rglob("*") if file.is_file()]
    assert {"boot.json", "reported.json", "lock", "0000000002.record"} <= {file.name for file in files}
    for file in files:
        file.unlink()
        damage(file)
    server.answer = taken
    time.reboot()
    device.write("/etc/version", "1.6.0")

    async with running(device, time):
        batch = await server.arrival_of(main="1.6.0")

    assert batch.history == [{"main": "1.6.0"}]


async def test_a_boot_into_the_same_version_writes_nothing_but_its_number(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        await time.slept_often.wait()
    before = state(device)

    time.reboot()
    async with running(device, time):
        await server.arrival()
        time.slept_often.clear()
        time.sleeps.clear()
        await time.slept_often.wait()
    after = state(device)

    assert {name for name in after if after[name] != before.get(name)} == {"boot.json"}


async def test_a_heartbeat_writes_nothing(device: Device, server: ReportServer, time: VirtualTime) -> None:
    async with running(device, time):
        await server.arrival()
        await time.slept_often.wait()
        before = state(device)
        for _ in range(10):
            await server.arrival()
        after = state(device)  # stopped in the middle of a report, it keeps the record

    assert time.now >= 9 * HOUR
    assert after == before


async def test_records_that_found_no_room_are_counted_in_the_log(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("firmtrail_agent.state.spool.MAX_RECORDS", 2)
    server.answer = refusing(404)

    async with running(device, time):
        await server.arrival()
        for version in ("1.5.0", "1.6.0"):
            device.write("/etc/version", version)
            await time.passes(2 * HOUR)

    assert "there was no room for 1 records" in capfd.readouterr().err


async def test_a_state_that_cannot_be_written_makes_it_degraded_and_it_reports_all_the_same(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    device.write("/var/lib/firmtrail-agent", "no directory")
    answers: list[Any] = [refusing(503), taken]
    server.answer = answers[0]

    async with running(device, time):
        await server.arrival()
        device.write("/etc/version", "1.5.0")
        while time.now < HOUR:
            await server.arrival()
        server.answer = answers[1]
        batch = await server.arrival_of(main="1.5.0")

    assert [one["main"] for one in batch.history] == ["1.4.2", "1.5.0"]
    assert "records are kept in memory: " in capfd.readouterr().err
