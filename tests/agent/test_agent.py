"""How the daemon goes on through every trouble: the real agent and a real server, in virtual time."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from firmtrail_agent.spool import look_into
from tests.agent.device import KEY_ID, Device
from tests.agent.report_server import (
    Answer,
    ReportServer,
    about_another_batch,
    bare,
    nonsense,
    refusing,
    refusing_client,
    refusing_records,
    reset,
    reset_in_the_middle,
    taken,
    taking,
    taking_only,
    ten_megabytes,
    truncated,
)
from tests.agent.virtual_time import VirtualTime, running

HOUR = 3600
NEW_KEY = f"{KEY_ID}:ftd_theNextKeyOfThisDevice"
TEN_YEARS = 10 * 365 * 24 * HOUR

ANSWERS: dict[str, Answer] = {
    **{str(status): refusing(status) for status in (400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 425)},
    **{str(status): refusing(status) for status in (429, 451, 500, 501, 502, 503, 504, 599)},
    **{f"{status} of a proxy": bare(status) for status in (200, 204, 400, 403, 404, 413, 422, 500, 502, 599)},
    "301": refusing(301, Location="http://127.0.0.1:9/"),
    "307": refusing(307, Location="/elsewhere"),
    "429 with a wait": refusing(429, Retry_After="3600"),
    "503 with a date": refusing(503, Retry_After="Wed, 01 Jan 2098 00:00:00 GMT"),
    "503 with nonsense": refusing(503, Retry_After="soon"),
    "reset": reset,
    "cut in the middle": reset_in_the_middle,
    "half": truncated,
    "10 MB": ten_megabytes,
    "another batch": about_another_batch,
    "nonsense": nonsense,
}


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


def spooled(device: Device) -> list[str | None]:
    return [record.components[0].version for record in look_into(device.root / "var/lib/firmtrail-agent/spool")]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_ends_it(device: Device, server: ReportServer, time: VirtualTime, answer: Answer) -> None:
    server.answer = answer

    async with running(device, time):
        await server.arrival()
        server.answer = taken

        assert (await server.arrival()).versions == {"main": "1.4.2"}


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


async def test_it_waits_as_long_as_the_server_asks(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = refusing(429, Retry_After="7200")

    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert time.now >= 2 * HOUR


async def test_it_reports_when_the_server_wants_it(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = taking(next_report_in_seconds=60)

    async with running(device, time):
        for _ in range(5):
            await server.arrival()

    assert time.now <= 5 * 66


async def test_it_reports_all_at_once_when_the_server_knows_nothing_and_does_not_do_so_for_ever(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = taking(resync=True)

    async with running(device, time):
        for _ in range(6):
            await server.arrival()

    assert 2 * 0.9 * HOUR <= time.now <= 4 * HOUR


async def test_a_refused_key_is_replaced_by_a_new_one_at_once(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        device.write_key(NEW_KEY)
        server.answer, server.answer_token = taking_only(NEW_KEY), refusing_client(to=NEW_KEY)

        while (await server.arrival()).credential != NEW_KEY:
            pass
        refused = [batch for batch in server.received if batch.credential != NEW_KEY][1:]

    assert len(refused) <= 1


async def test_a_new_key_is_tried_soon_after_the_old_one_was_refused_for_long(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = taking_only(NEW_KEY)
    async with running(device, time):
        while time.now < 24 * HOUR:
            await server.arrival()
        written_at = time.now
        device.write_key(NEW_KEY)

        while (await server.arrival()).credential != NEW_KEY:
            pass

    assert time.now - written_at <= 120


async def test_a_refused_key_that_stays_the_same_is_tried_seldom(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = refusing(401)

    async with running(device, time):
        for _ in range(10):
            await server.arrival()

    assert time.now >= 4 * 300


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_server_that_does_not_know_the_device_is_asked_every_six_hours(
    device: Device, server: ReportServer, time: VirtualTime, status: int
) -> None:
    server.answer = refusing(status)

    async with running(device, time):
        for _ in range(4):
            await server.arrival()

    assert 3 * 0.9 * 6 * HOUR <= time.now <= 3 * 6 * HOUR + HOUR


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


@pytest.mark.parametrize("content", [b"", b"rotten\n", b"\xff" * 5000, None], ids=["empty", "text", "bytes", "folder"])
async def test_whatever_has_become_of_its_state_it_reports_what_runs_now(
    device: Device, server: ReportServer, time: VirtualTime, content: bytes | None
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
        file.mkdir() if content is None else file.write_bytes(content)
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

    assert time.now >= 9 * HOUR
    assert state(device) == before


def state(device: Device) -> dict[str, tuple[int, int]]:
    folder = device.root / "var/lib/firmtrail-agent"
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    } | {"the spool itself": (0, (folder / "spool").stat().st_mtime_ns)}


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


async def test_a_person_gets_a_report_at_once(device: Device, server: ReportServer, time: VirtualTime) -> None:
    server.answer = refusing(404)
    async with running(device, time):
        await server.arrival()
        asked_at = time.now
        os.kill(os.getpid(), signal.SIGUSR1)

        await server.arrival()

    assert time.now - asked_at <= HOUR


async def test_a_lasting_trouble_is_logged_at_once_and_after_1_2_and_4_hours_and_so_is_its_end(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing(500)
    async with running(device, time):
        while time.now < 10 * HOUR:
            await server.arrival()
        server.answer = taken
        await server.arrival()
        await server.arrival()

    *warnings, end = capfd.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in warnings] == ["firmtrail-agent: temporary failure: Not today."] * 4
    assert end == "firmtrail-agent: the server takes reports again"


async def test_a_refused_record_is_logged_and_the_next_report_comes_after_the_ordinary_interval(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing_records("1.4.2")

    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert time.now >= 0.9 * HOUR
    assert "the server refuses a record, it is put aside: " in capfd.readouterr().err


async def test_it_never_sleeps_for_more_than_half_a_minute(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert max(time.sleeps) <= 30


async def test_an_error_of_its_own_does_not_end_it_and_is_logged_once(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def break_down(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("firmtrail_agent.rounds.deliver", break_down)

    async with running(device, time):
        await time.slept_often.wait()
        monkeypatch.undo()

        assert (await server.arrival()).versions == {"main": "1.4.2"}

    assert capfd.readouterr().err.count("Traceback") == 1


async def test_an_error_while_it_looks_around_does_not_end_it(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def break_down(*_: object) -> None:
        raise OSError(24, "Too many open files")

    async with running(device, time):
        await server.arrival()
        monkeypatch.setattr("firmtrail_agent.agent.Watcher", break_down)
        device.write("/etc/version", "1.5.0\n")

        await server.arrival_of(main="1.5.0")

    assert "Too many open files" in capfd.readouterr().err


async def test_records_that_found_no_room_are_counted_in_the_log(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("firmtrail_agent.spool.MAX_RECORDS", 2)
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
