"""What waits is reported by the device that observed it and by no other: a changed `device.id`, a copied disk."""

from __future__ import annotations

import json
import os
import signal
import uuid

import pytest

from firmtrail import to_json
from firmtrail_agent.daemon import status_file
from firmtrail_agent.daemon.status_file import Status
from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity
from firmtrail_agent.state.observations import Observations
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system import atomic_file
from tests.agent.support.device import API_KEY, DEVICE_ID, KEY_ID, Device
from tests.agent.support.observations import DEVICE, Time, observed
from tests.agent.support.report_server import ReportServer, refusing, taken
from tests.agent.support.virtual_time import VirtualTime, running

OTHER_ID = "2b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633c"
UNUSED_PORT_URL = "http://127.0.0.1:9"
BOOT_ID = "3b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633d"


async def offline(device: Device, device_id: str, *versions: str) -> None:
    device.configure(UNUSED_PORT_URL, device_id=device_id)
    for version in versions:
        device.write("/etc/version", version)
        await device.run("report")


async def test_a_spool_of_another_device_is_not_sent(device: Device, server: ReportServer) -> None:
    await offline(device, OTHER_ID, "0.1", "0.2")
    device.write("/etc/version", "1.4.2")
    device.configure(server.url)

    result = await device.run("report")

    assert [(one.device_id, one.history) for one in server.received] == [(DEVICE_ID, [{"main": "1.4.2"}])]
    assert result.code == os.EX_OK
    assert "2 waiting records are of another device" in result.stderr


async def test_records_of_another_device_are_logged_once_and_kept(device: Device, server: ReportServer) -> None:
    await offline(device, OTHER_ID, "0.1")
    device.configure(server.url)

    said = [(await device.run("report")).stderr.count("another device") for _ in range(2)]
    listed = await device.run("spool", "list", "--json")

    assert said == [1, 0]
    assert json.loads(listed.stdout) == []
    assert "1 records of another device" in listed.stderr


async def test_the_spool_list_counts_records_of_another_device_before_they_move(device: Device) -> None:
    await offline(device, OTHER_ID, "0.1")
    device.configure(UNUSED_PORT_URL)

    listed = await device.run("spool", "list")

    assert (listed.stdout, "1 records of another device" in listed.stderr) == ("", True)


async def test_spool_flush_sends_nothing_of_another_device(device: Device, server: ReportServer) -> None:
    await offline(device, OTHER_ID, "0.1")
    device.configure(server.url)

    result = await device.run("spool", "flush")

    assert (result.stdout, server.received) == ("0 records sent\n", [])


async def test_a_device_id_that_returns_gets_its_records_back(device: Device, server: ReportServer) -> None:
    await offline(device, DEVICE_ID, "1", "2")
    await offline(device, OTHER_ID, "0.1", "0.2", "0.3")
    device.write("/etc/version", "3")
    device.configure(server.url)

    await device.run("report")

    assert server.received[-1].history == [{"main": "1"}, {"main": "2"}, {"main": "3"}]


async def test_purge_removes_records_of_other_devices_too(device: Device) -> None:
    await offline(device, OTHER_ID, "0.1", "0.2")
    await offline(device, DEVICE_ID, "1")

    result = await device.run("spool", "purge")

    assert result.stdout == "3 records thrown away\n"
    assert (await device.run("spool", "list")).stderr.count("another device") == 0


async def test_a_reload_with_another_device_id_puts_records_aside(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing(503)
    async with running(device, time):
        await server.arrival()
        device.write("/etc/version", "1.5.0")
        device.configure(server.url, device_id=OTHER_ID)
        server.answer = taken
        os.kill(os.getpid(), signal.SIGHUP)

        while (batch := await server.arrival()).device_id != OTHER_ID:
            pass

    assert batch.history == [{"main": "1.5.0"}]
    assert "another device" in capfd.readouterr().err


async def test_a_device_enrolled_anew_reports_by_its_new_id(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    device.config.write_text(device.config.read_text().replace(f'id = "{DEVICE_ID}"', ""))
    file = identity.file_in(device.root / "var/lib/firmtrail-agent")
    identity.write(file, Identity(device_id=uuid.UUID(DEVICE_ID), api_key=API_KEY))
    async with running(device, time):
        assert (await server.arrival()).device_id == DEVICE_ID
        identity.write(file, Identity(device_id=uuid.UUID(OTHER_ID), api_key=f"{KEY_ID}:ftd_ofTheOtherDevice"))

        while (await server.arrival()).device_id != OTHER_ID:
            pass

    assert time.now <= 3 * 3600


def test_the_status_counts_records_of_another_device() -> None:
    said = Status(pid=1, next_round=0.0, spool={"records": 0, "others": 3})

    assert "3 records of another device" in status_file.sentence(said, 0.0)


def test_what_another_device_has_reported_is_new_here(device: Device) -> None:
    state = device.root / "state"
    state.mkdir()
    before = Observations(Spool(None, DEVICE, boot_time=Time()), state)
    before.reported(observed("1", 1))
    other = uuid.UUID(int=8)
    spool = Spool(state / "spool", other, boot_time=Time())

    Observations(spool, state).add(observed("1", 2))

    assert spool.in_memory == 0


async def record_without_a_device(device: Device, *, boot_of_the_agent: str) -> None:
    """Leave what an agent has left that did not write whose a record is, and that last ran in this boot."""
    state = device.root / "var/lib/firmtrail-agent"
    (state / "spool").mkdir(parents=True)
    atomic_file.write(state / "spool/0000000001.record", to_json(observed("0.9", 1)))
    atomic_file.write(state / "boot.json", json.dumps({"boot_id": boot_of_the_agent, "sequence": 1}))


async def test_an_old_record_of_the_same_boot_is_sent(device: Device, server: ReportServer) -> None:
    await record_without_a_device(device, boot_of_the_agent=BOOT_ID)

    await device.run("report", FIRMTRAIL_AGENT_BOOT_ID=BOOT_ID)

    assert server.received[-1].history == [{"main": "0.9"}, {"main": "1.4.2"}]


async def test_an_old_record_of_the_same_boot_gets_its_device(device: Device, server: ReportServer) -> None:
    await record_without_a_device(device, boot_of_the_agent=BOOT_ID)
    server.answer = refusing(503)
    await device.run("report", FIRMTRAIL_AGENT_BOOT_ID=BOOT_ID)

    listed = json.loads((await device.run("spool", "list", "--json")).stdout)

    assert [one["device_id"] for one in listed] == [DEVICE_ID] * 2


async def test_an_old_record_of_an_earlier_boot_is_put_aside(device: Device, server: ReportServer) -> None:
    await record_without_a_device(device, boot_of_the_agent=OTHER_ID)

    result = await device.run("report", FIRMTRAIL_AGENT_BOOT_ID=BOOT_ID)

    assert server.received[-1].history == [{"main": "1.4.2"}]
    assert "another device" in result.stderr
