"""When the daemon looks and reports: the real agent and a real server, in virtual time."""

from __future__ import annotations

import os
import signal

import pytest

from tests.agent.support.device import Device
from tests.agent.support.report_server import ReportServer, refusing, taking
from tests.agent.support.virtual_time import VirtualTime, running

HOUR = 3600
TEN_YEARS = 10 * 365 * 24 * HOUR


async def test_it_reports_what_runs_now_and_not_what_ran_at_the_start(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        assert (await server.arrival()).versions == {"main": "1.4.2"}
        device.write("/etc/version", "1.5.0\n")

        await server.arrival_of(main="1.5.0")


async def test_a_source_that_fails_is_an_error_until_it_gives_a_version_again(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    device.configure(server.url, sources={"modem": "/etc/modem"})

    async with running(device, time):
        assert (await server.arrival()).versions["modem"].startswith("error: there is no ")
        device.write("/etc/modem", "9")

        await server.arrival_of(modem="9")


async def test_a_path_that_no_disk_can_hold_is_an_error_of_its_component_at_a_start_and_after_a_reload(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    too_long = "/" + "a" * 300
    device.configure(server.url, sources={"main": "/etc/version", "modem": too_long})

    async with running(device, time):
        first = await server.arrival()
        device.configure(server.url, sources={"main": "/etc/version", "fpga": too_long})
        os.kill(os.getpid(), signal.SIGHUP)
        while "fpga" not in (second := (await server.arrival()).versions):
            pass

    assert first.versions["main"] == second["main"] == "1.4.2"
    assert first.versions["modem"].startswith("error: ")
    assert second["fpga"].startswith("error: ")


async def test_a_change_is_reported_within_a_minute_and_a_half(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        time.now += 60
        changed_at = time.now
        device.write("/etc/version", "1.5.0\n")

        await server.arrival_of(main="1.5.0")

        assert time.now - changed_at <= 90


async def test_each_batch_announces_the_interval(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = taking(next_report_in_seconds=600)
    async with running(device, time):
        assert (await server.arrival()).interval_seconds == HOUR
        assert (await server.arrival()).interval_seconds == 600


async def test_a_person_gets_a_report_at_once(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = refusing(404)
    async with running(device, time):
        await server.arrival()
        asked_at = time.now
        os.kill(os.getpid(), signal.SIGUSR1)

        await server.arrival()

    assert time.now - asked_at <= HOUR


@pytest.mark.parametrize("jump", [TEN_YEARS, -TEN_YEARS, 60.0])
async def test_a_wall_clock_that_is_set_brings_a_report_and_hurts_nothing(
    device: Device, server: ReportServer, time: VirtualTime, jump: float
) -> None:
    async with running(device, time):
        await server.arrival()
        time.now += 60
        set_at = time.now
        time.wall_offset += jump

        await server.arrival()

        assert time.now - set_at <= 90


@pytest.mark.parametrize(("offset", "state"), [(TEN_YEARS, "unsynced"), (-TEN_YEARS, "implausible")])
async def test_a_clock_that_is_ten_years_off_is_known_to_be_wrong(
    device: Device, server: ReportServer, time: VirtualTime, offset: float, state: str
) -> None:
    time.wall_offset += offset
    server.answer = taking(received_at="2027-03-01T12:00:00Z")

    async with running(device, time):
        await server.arrival()
        batch = await server.arrival()

    assert batch.sent["clock_state"] == state


async def test_a_device_that_was_suspended_reports_soon_after_it_woke_up(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    device.configure(server.url, interval_seconds=30 * 24 * HOUR)
    async with running(device, time):
        await server.arrival()
        time.now += 8 * HOUR
        time.suspended += 8 * HOUR
        resumed_at = time.now

        await server.arrival()

        assert time.now - resumed_at <= 90


async def test_it_never_sleeps_for_more_than_half_a_minute(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert max(time.sleeps) <= 30


async def test_a_bad_configuration_is_not_taken_and_named_and_a_good_one_is(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(device, time):
        await server.arrival()
        good = device.config.read_text()
        device.config.write_text(good.replace('component = "main"', 'component = "Main"'))
        os.kill(os.getpid(), signal.SIGHUP)
        time.now += HOUR
        assert (await server.arrival()).versions == {"main": "1.4.2"}
        device.config.write_text(good.replace('component = "main"', 'component = "other"'))
        os.kill(os.getpid(), signal.SIGHUP)

        await server.arrival_of(other="1.4.2")

    said = capfd.readouterr().err
    assert "the configuration stays as it was:" in said
    assert "component must be 1 to 64 of a-z" in said
    assert "the configuration was read again" in said
