"""What becomes of a round of reports: every answer of a server, and who can mend it."""

from __future__ import annotations

import os

import pytest

from firmtrail_agent import configuration, credentials
from firmtrail_agent.layers import Layers
from firmtrail_agent.reporting import Result, exit_code, report_once
from tests.agent.device import API_KEY, Device
from tests.agent.report_server import (
    Answer,
    ReportServer,
    no_tokens,
    nonsense,
    refusing,
    refusing_client,
    refusing_component,
    reset,
)

UNUSED_PORT_URL = "http://127.0.0.1:9"
TWO = {"main": "/etc/version", "modem": "/etc/modem"}


async def report(device: Device) -> list[Result]:
    chosen = configuration.load(Layers(environment={}, root=device.root))
    return await report_once(chosen, credentials.load(chosen.key_file, {}), device.root)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusing(401), os.EX_NOPERM),
        (refusing(403), os.EX_NOPERM),
        (refusing(404), os.EX_CONFIG),
        (refusing(302, Location="http://127.0.0.1:9/"), os.EX_CONFIG),
        (refusing(429, Retry_After="3600"), os.EX_TEMPFAIL),
        (refusing(503, Retry_After="3600"), os.EX_TEMPFAIL),
        (refusing(500), os.EX_TEMPFAIL),
        (refusing(400), os.EX_DATAERR),
        (reset, os.EX_TEMPFAIL),
        (nonsense, os.EX_TEMPFAIL),
    ],
    ids=["401", "403", "404", "302", "429", "503", "500", "400", "reset", "nonsense"],
)
async def test_the_exit_code_says_who_can_mend_it(
    device: Device, server: ReportServer, answer: Answer, code: int
) -> None:
    server.answer = answer

    results = await report(device)

    assert exit_code(results) == code
    assert results[0].error


async def test_a_report_carries_an_access_token(device: Device, server: ReportServer) -> None:
    await report(device)

    assert [(one.scheme, one.credential) for one in server.received] == [("Bearer", API_KEY)]


async def test_the_key_itself_is_sent_when_the_configuration_says_so(device: Device, server: ReportServer) -> None:
    device.write("/etc/firmtrail-agent/config.d/1.toml", '[server]\nauth = "basic"\n')
    server.answer_token = no_tokens

    await report(device)

    assert [(one.scheme, one.credential) for one in server.received] == [("Basic", API_KEY)]


async def test_a_key_that_gets_no_token_is_a_refused_key(device: Device, server: ReportServer) -> None:
    server.answer_token = refusing_client()

    assert exit_code(await report(device)) == os.EX_NOPERM


async def test_a_server_without_tokens_is_told_with_the_setting_that_helps(
    device: Device, server: ReportServer
) -> None:
    server.answer_token = no_tokens

    results = await report(device)

    assert exit_code(results) == os.EX_CONFIG
    assert 'set server.auth to "basic"' in (results[0].error or "")


async def test_a_server_that_is_not_there_has_a_code_of_its_own(device: Device) -> None:
    device.configure(UNUSED_PORT_URL)

    assert exit_code(await report(device)) == os.EX_UNAVAILABLE


async def test_a_server_that_refuses_the_key_is_not_asked_again_for_the_other_components(
    device: Device, server: ReportServer
) -> None:
    device.configure(server.url, sources=TWO)
    device.write("/etc/modem", "9")
    server.answer = refusing(401)

    results = await report(device)

    assert len(server.received) == 1
    assert all(result.error for result in results)


async def test_the_gravest_trouble_decides_the_code(device: Device, server: ReportServer) -> None:
    device.configure(server.url, sources=TWO)
    server.answer = refusing_component("main", 403)

    assert exit_code(await report(device)) == os.EX_NOPERM


async def test_both_components_of_a_round_carry_the_same_moment(device: Device, server: ReportServer) -> None:
    device.configure(server.url, sources=TWO)
    device.write("/etc/modem", "9")

    await report(device)

    first, second = server.received
    assert first.observed_at == second.observed_at
