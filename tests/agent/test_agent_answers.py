"""What the daemon makes of every answer of a server, and when it asks again: real HTTP, in virtual time."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from aiohttp import web

from tests.agent.support.device import KEY_ID, Device
from tests.agent.support.report_server import (
    Answer,
    ReportServer,
    about_another_batch,
    bare,
    nonsense,
    refusing,
    refusing_records,
    reset,
    reset_in_the_middle,
    taken,
    taking,
    taking_only,
    ten_megabytes,
    truncated,
)
from tests.agent.support.virtual_time import VirtualTime, running

HOUR = 3600
NEW_KEY = f"{KEY_ID}:ftd_theNextKeyOfThisDevice"

ANSWERS: dict[str, Answer] = {
    **{str(status): refusing(status) for status in (400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 422, 425)},
    **{str(status): refusing(status) for status in (429, 451, 500, 501, 502, 503, 504, 599)},
    **{f"{status} of a proxy": bare(status) for status in (200, 204, 302, 400, 401, 403, 404, 410, 413, 502)},
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


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
async def test_no_answer_ends_it(device: Device, server: ReportServer, time: VirtualTime, answer: Answer) -> None:
    server.answer = answer

    async with running(device, time):
        await server.arrival()
        server.answer = taken

        assert (await server.arrival()).versions == {"main": "1.4.2"}


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
        server.answer = taking_only(NEW_KEY)

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


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 410])
async def test_an_answer_that_is_not_the_servers_silences_nobody_for_long(
    device: Device, server: ReportServer, time: VirtualTime, status: int
) -> None:
    server.answer = bare(status, Retry_After="86400")

    async with running(device, time):
        for _ in range(7):
            await server.arrival()

    assert time.now <= 4 * HOUR


async def test_a_server_puts_off_the_next_report_by_a_day_at_most(
    device: Device, server: ReportServer, time: VirtualTime
) -> None:
    server.answer = taking(next_report_in_seconds=31 * 24 * HOUR)

    async with running(device, time):
        for _ in range(2):
            await server.arrival()

    assert 0.9 * 24 * HOUR <= time.now <= 1.1 * 24 * HOUR + 60


async def test_a_refused_record_is_logged_and_the_next_report_comes_after_the_ordinary_interval(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = refusing_records("1.4.2")

    async with running(device, time):
        await server.arrival()
        await server.arrival()

    assert time.now >= 0.9 * HOUR
    assert "the server refuses a record, it is put aside: " in capfd.readouterr().err


async def test_a_version_that_is_refused_at_every_report_is_logged_once(
    device: Device, server: ReportServer, time: VirtualTime, capfd: pytest.CaptureFixture[str]
) -> None:
    device.configure(server.url, interval_seconds=600)
    requests = count(1)

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return await refusing(422, detail=f"Not this one, says request {next(requests)}.")(request, body)

    server.answer = answer
    async with running(device, time):
        for _ in range(4):
            await server.arrival()

    assert capfd.readouterr().err.count("Not this one") == 1
