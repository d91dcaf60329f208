"""A report that can neither be sent nor kept is lost, and that is said: on stderr, and by a code that is a failure."""

from __future__ import annotations

import os

import pytest

from tests.agent.support.device import Device, ended
from tests.agent.support.report_server import Answer, ReportServer, bare, refusing, refusing_records
from tests.agent.support.service_manager import ServiceManager

UNUSED_PORT_URL = "http://127.0.0.1:9"


def break_the_disk(device: Device) -> None:
    device.write("/var/lib/firmtrail-agent", "no directory")


async def test_a_report_that_is_neither_sent_nor_kept_fails(device: Device) -> None:
    device.configure(UNUSED_PORT_URL)
    break_the_disk(device)

    result = await device.run("report", "--once")

    assert result.code == os.EX_CANTCREAT
    assert "1 records that could not be sent are lost" in result.stderr


@pytest.mark.parametrize(("answer", "code"), [(bare(503), os.EX_CANTCREAT), (refusing(401), os.EX_NOPERM)])
async def test_a_lost_report_never_counts_as_waiting(
    device: Device, server: ReportServer, answer: Answer, code: int
) -> None:
    server.answer = answer
    break_the_disk(device)

    result = await device.run("report", "--once")

    assert (result.code, "lost" in result.stderr) == (code, True)


async def test_a_report_that_waits_on_the_disk_is_not_lost(device: Device) -> None:
    device.configure(UNUSED_PORT_URL)

    result = await device.run("report", "--once")

    assert (result.code, "lost" in result.stderr) == (os.EX_UNAVAILABLE, False)


async def test_a_report_that_arrives_from_a_broken_disk_is_a_success(device: Device, server: ReportServer) -> None:
    break_the_disk(device)

    result = await device.run("report", "--once")

    assert (result.code, len(server.received)) == (os.EX_OK, 1)
    assert "cannot be written" in result.stderr


async def test_report_tells_of_damaged_records(device: Device) -> None:
    device.write("/var/lib/firmtrail-agent/spool/0000000007.record", "rotten")

    assert "1 damaged records" in (await device.run("report", "--once")).stderr


async def test_report_tells_of_a_refused_record_before_this_one(device: Device, server: ReportServer) -> None:
    device.configure(UNUSED_PORT_URL)
    await device.run("report")
    device.configure(server.url)
    device.write("/etc/version", "1.5.0")
    server.answer = refusing_records("1.4.2")

    result = await device.run("report", "--once")

    assert (result.code, "put aside" in result.stderr) == (os.EX_OK, True)


async def test_an_agent_that_stops_says_what_it_loses(device: Device, service_manager: ServiceManager) -> None:
    device.configure(UNUSED_PORT_URL)
    break_the_disk(device)
    agent = await device.start("run", **service_manager.environment)
    await service_manager.hear_of("STATUS=degraded")

    agent.terminate()

    assert "records that could not be sent are lost" in (await ended(agent)).stderr
