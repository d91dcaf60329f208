"""The agent behind a proxy, or past it: NO_PROXY as everybody writes it, and a proxy that fails named as such."""

from __future__ import annotations

import os

import pytest

from tests.agent.device import Device
from tests.agent.report_server import ReportServer

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
    agent = await device.start("run", NO_PROXY="10.*", FIRMTRAIL_AGENT_SERVER_AUTH="basic")
    await server.arrival()
    await server.hang_up()
    agent.terminate()
    _, said = await agent.communicate()

    assert said.decode() == "firmtrail-agent: NO_PROXY: 10.* is not understood and is skipped\n"
