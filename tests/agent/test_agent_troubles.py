"""What the daemon says of its troubles, and that its own mistakes do not end it."""

from __future__ import annotations

import pytest

from tests.agent.support.device import Device
from tests.agent.support.report_server import ReportServer, refusing, taken
from tests.agent.support.virtual_time import VirtualTime, running

HOUR = 3600


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


async def test_an_error_of_its_own_does_not_end_it_and_is_logged_once(
    device: Device,
    server: ReportServer,
    time: VirtualTime,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def break_down(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("firmtrail_agent.server.uploader.deliver", break_down)

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
        monkeypatch.setattr("firmtrail_agent.daemon.agent.Watcher", break_down)
        device.write("/etc/version", "1.5.0\n")

        await server.arrival_of(main="1.5.0")

    assert "Too many open files" in capfd.readouterr().err
