"""The agent behind a proxy, or past it: NO_PROXY as everybody writes it, and a proxy that fails named as such."""

from __future__ import annotations

import os

import pytest

from tests.agent.support.device import Device
from tests.agent.support.report_server import ReportServer, bare
from tests.agent.support.service_manager import ServiceManager

DEAD_PROXY = "http://127.0.0.1:9"


@pytest.mark.parametrize("no_proxy", ["localhost,fd00::/8", "[::1],fe80::/10,::1", "10.*", "<local>"])
async def test_no_form_of_no_proxy_stops_it(device: Device, server: ReportServer, no_proxy: str) -> None:
    result = await device.run("report", NO_PROXY=no_proxy)

    assert (result.code, len(server.received)) == (os.EX_OK, 1)


async def test_a_range_in_no_proxy_leads_past_the_proxy(device: Device, server: ReportServer) -> None:
    result = await device.run("report", NO_PROXY="127.0.0.0/8", HTTP_PROXY=DEAD_PROXY)

    assert (result.code, result.stderr, len(server.received)) == (os.EX_OK, "", 1)


async def test_an_unknown_form_of_no_proxy_is_logged_once(device: Device, server: ReportServer) -> None:
    device.configure(server.url, interval_seconds=10)
    agent = await device.start("run", NO_PROXY="10.*")
    await server.arrival()
    await server.hang_up()
    agent.terminate()
    _, said = await agent.communicate()

    assert said.decode() == "firmtrail-agent: NO_PROXY: 10.* is not understood and is skipped\n"


async def test_a_dead_proxy_is_named_and_not_the_server(device: Device) -> None:
    result = await device.run("report", HTTP_PROXY=DEAD_PROXY)

    assert (result.code, "proxy failed" in result.stdout) == (os.EX_UNAVAILABLE, True)
    assert f"The proxy {DEAD_PROXY}" in result.stderr


async def test_a_dead_proxy_is_named_in_the_status(device: Device, service_manager: ServiceManager) -> None:
    agent = await device.start("run", HTTP_PROXY=DEAD_PROXY, **service_manager.environment)

    assert "proxy failed" in await service_manager.hear_of("STATUS=degraded")
    agent.terminate()
    await agent.communicate()


async def test_a_proxy_that_wants_a_password_is_named(device: Device, server: ReportServer) -> None:
    server.answer = bare(407)
    device.configure("http://firmtrail.invalid")

    result = await device.run("report", HTTP_PROXY=server.url)

    assert (result.code, "proxy failed" in result.stdout) == (os.EX_UNAVAILABLE, True)


async def test_a_proxy_that_leads_nowhere_is_named_without_its_password(device: Device, server: ReportServer) -> None:
    device.configure("https://firmtrail.invalid")
    proxy = server.url.replace("://", "://user:neverShow@")

    result = await device.run("report", HTTPS_PROXY=proxy)

    assert "proxy failed" in result.stdout
    assert (f"The proxy {server.url}" in result.stderr, "neverShow" in result.stderr) == (True, False)


async def test_an_answer_of_a_proxy_names_the_proxy(device: Device, server: ReportServer) -> None:
    server.answer = bare(503)
    device.configure("http://firmtrail.invalid")

    result = await device.run("report", HTTP_PROXY=server.url)

    assert (result.code, f"the proxy {server.url}" in result.stderr) == (os.EX_TEMPFAIL, True)
