"""A configuration that others may write runs commands of theirs: it is named, and the agent goes on."""

from __future__ import annotations

import os

import pytest

from tests.agent.support.device import Device, ended
from tests.agent.support.report_server import ReportServer
from tests.agent.support.service_manager import ServiceManager

DROP_IN = "/etc/firmtrail-agent/config.d/1.toml"


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o622])
async def test_a_file_that_others_may_write_is_named(device: Device, mode: int) -> None:
    file = device.write(DROP_IN, "")
    file.chmod(mode)

    result = await device.run("check-config")

    assert (result.code, f"chmod go-w {file}" in result.stdout) == (os.EX_CONFIG, True)


@pytest.mark.parametrize("name", ["etc/firmtrail-agent/config.d", "etc/firmtrail-agent", "etc"])
async def test_a_directory_that_others_may_write_is_named(device: Device, name: str) -> None:
    (device.root / "etc/firmtrail-agent/config.d").mkdir()
    (device.root / name).chmod(0o777)

    result = await device.run("check-config")

    assert (result.code, f"chmod go-w {device.root / name}\n" in result.stdout) == (os.EX_CONFIG, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_a_file_of_another_user_is_named(device: Device) -> None:
    file = device.write(DROP_IN, "")
    os.chown(file, 65534, 65534)

    result = await device.run("check-config")

    assert (result.code, f"chown root {file}" in result.stdout) == (os.EX_CONFIG, True)


@pytest.mark.parametrize(("name", "code"), [("etc", os.EX_OK), ("etc/firmtrail-agent/config.d", os.EX_CONFIG)])
async def test_the_sticky_bit_guards_what_is_there_and_not_what_is_read_because_it_is_there(
    device: Device, name: str, code: int
) -> None:
    (device.root / "etc/firmtrail-agent/config.d").mkdir()
    (device.root / name).chmod(0o1777)

    assert (await device.run("check-config")).code == code


async def test_the_status_is_degraded_and_names_it(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")
    device.config.chmod(0o666)

    result = await device.run("status")

    assert (result.code, f"chmod go-w {device.config}" in result.stdout) == (1, True)
    agent.terminate()
    await ended(agent)


async def test_the_doctor_and_a_report_name_it_too(device: Device, server: ReportServer) -> None:
    device.config.chmod(0o666)

    doctor, report = await device.run("doctor"), await device.run("report")

    assert f"chmod go-w {device.config}" in doctor.stdout
    assert f"chmod go-w {device.config}" in report.stderr
    assert (report.code, len(server.received) > 0) == (os.EX_OK, True)
