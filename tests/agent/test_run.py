"""`firmtrail-agent run` as a process: readiness, status, watchdog and the end."""

from __future__ import annotations

import re
import signal

import pytest

from tests.agent.support.device import Device, ended
from tests.agent.support.report_server import ReportServer, refusing, silent
from tests.agent.support.service_manager import ServiceManager

#: the agent, on a machine where asking for an address takes for ever
_HUNG_RESOLVER = """
import socket, sys, time
def hang(*_, **__):
    print("asked", flush=True)
    time.sleep(3600)
socket.getaddrinfo = hang
from firmtrail_agent.cli import main
main()
"""

#: the agent, with a mistake in it
_BROKEN = """
from firmtrail_agent.server import uploader
uploader.deliver = None
from firmtrail_agent.cli import main
main()
"""


async def test_it_is_ready_before_the_server_has_answered(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = silent

    agent = await device.start("run", **service_manager.environment)

    assert await service_manager.hear() == "READY=1"
    agent.terminate()
    await ended(agent)


async def test_it_is_not_ready_with_a_bad_configuration(device: Device, service_manager: ServiceManager) -> None:
    result = await device.run("run", "--set", "server.url=x", **service_manager.environment)

    assert result.code == 78
    with pytest.raises(BlockingIOError):
        service_manager.look()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_the_middle_of_a_report(
    device: Device, server: ReportServer, service_manager: ServiceManager, number: signal.Signals
) -> None:
    server.answer = silent
    agent = await device.start("run", **service_manager.environment)
    await server.arrival()

    agent.send_signal(number)

    assert (await ended(agent)).code == 0
    assert await service_manager.hear_of("STOPPING=1")


async def test_a_signal_ends_it_while_it_asks_a_dead_dns_server(device: Device) -> None:
    device.configure("http://firmtrail.invalid")
    agent = await device.start("run", program=_HUNG_RESOLVER)
    assert agent.stdout is not None
    assert await agent.stdout.readline() == b"asked\n"

    agent.terminate()

    assert (await ended(agent)).code == 0


async def test_the_status_shows_what_was_reported(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", **service_manager.environment)

    assert re.fullmatch(
        r"STATUS=ok: main 1\.4\.2, last report \d s ago, next in (1 h|5\d min|6\d min)",
        await service_manager.hear_of("STATUS=ok"),
    )
    agent.terminate()
    assert (await ended(agent)).stderr == ""


async def test_the_status_and_the_log_show_what_is_wrong(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = refusing(401)

    agent = await device.start("run", **service_manager.environment)

    assert (await service_manager.hear_of("STATUS=degraded")).startswith("STATUS=degraded: credentials refused: ")
    agent.terminate()
    assert (await ended(agent)).stderr.startswith("firmtrail-agent: credentials refused: ")


async def test_the_status_shows_an_error_that_nobody_expected(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", program=_BROKEN, **service_manager.environment)

    assert "see the log, 1 record waiting, next in " in await service_manager.hear_of("STATUS=degraded")
    agent.terminate()
    await ended(agent)


async def test_the_log_says_when_nobody_knows_which_boot_it_is(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", FIRMTRAIL_AGENT_BOOT_ID="", **service_manager.environment)
    await service_manager.hear_of("STATUS=ok")

    agent.terminate()
    assert "the kernel's id of this boot cannot be read" in (await ended(agent)).stderr


async def test_the_watchdog_is_fed_while_the_server_is_silent(
    device: Device, server: ReportServer, service_manager: ServiceManager
) -> None:
    server.answer = silent
    agent = await device.start("run", WATCHDOG_USEC="20000", **service_manager.environment)
    await server.arrival()

    for _ in range(3):
        await service_manager.hear_of("WATCHDOG=1")

    agent.terminate()
    await ended(agent)


async def test_it_reports_again_and_again(device: Device, server: ReportServer) -> None:
    device.configure(server.url, interval_seconds=10)
    agent = await device.start("run", program=_HASTY)
    await server.arrival()
    device.write("/etc/version", "1.5.0\n")

    await server.arrival_of(main="1.5.0")

    agent.terminate()
    assert (await ended(agent)).code == 0


@pytest.mark.parametrize("auth", ["token", "basic"])
async def test_each_report_carries_the_api_key_whatever_server_auth_says(
    device: Device, server: ReportServer, auth: str
) -> None:
    device.configure(server.url, interval_seconds=10)
    agent = await device.start("run", program=_HASTY, FIRMTRAIL_AGENT_SERVER_AUTH=auth)

    assert [(await server.arrival()).scheme for _ in range(5)] == ["Basic"] * 5

    agent.terminate()
    await ended(agent)


#: the agent, in a world where time runs a thousand times faster
_HASTY = """
import time
real = time.clock_gettime
time.clock_gettime = lambda clock: real(clock) * 1000
from asyncio import timeout
from firmtrail_agent.system import host
class Hasty:
    timeout = staticmethod(lambda seconds: timeout(seconds / 1000))
host.asyncio = Hasty
from firmtrail_agent.cli import main
main()
"""
