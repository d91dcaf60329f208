"""What the agent says of itself: which sources fail and since when; told when it is news, at no record's cost."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from firmtrail import to_json
from firmtrail_agent import __version__
from firmtrail_agent.report.statement import Statements
from firmtrail_agent.server.announcements import TELL_AGAIN_SECONDS, Announcements
from firmtrail_agent.sources import Reading
from firmtrail_agent.state.spool import Spool
from tests.agent.support.device import DEVICE_ID, Device
from tests.agent.support.report_server import Answer, ReportServer, taken
from tests.agent.support.virtual_time import VirtualTime, running

GOOD = Reading(component="main", source="rauc", version="1.4.2")
BAD = Reading(component="main", source="rauc", error="RAUC cannot be read: timeout")


@pytest.fixture
def spool() -> Spool:
    return Spool(None, uuid.UUID(DEVICE_ID), boot_time=lambda: 0.0)


@pytest.fixture
async def server() -> AsyncGenerator[ReportServer]:
    async with ReportServer() as server:
        yield server


def test_a_source_that_never_worked_fails_since_an_unknown_moment(spool: Spool) -> None:
    statements = Statements()

    for now_ms in (1_000, 2_000):
        [failing] = statements.make([BAD], spool, now_ms).sources
        assert (failing.source, failing.error, failing.failing_since_ms) == ("rauc", BAD.error, None)


def test_a_source_fails_since_it_was_first_seen_to(spool: Spool) -> None:
    statements = Statements()
    assert statements.make([GOOD], spool, 1_000).sources == []

    moments = [statements.make([BAD], spool, now_ms).sources[0].failing_since_ms for now_ms in (2_000, 3_000)]

    assert moments == [2_000, 2_000]


def test_no_source_at_all_is_a_failure(spool: Spool) -> None:
    absent = Reading(component="main", source="rauc")

    [failing] = Statements().make([absent], spool, 1_000).sources

    assert "no source" in failing.error


def test_the_largest_statement_leaves_room_for_the_largest_record(spool: Spool) -> None:
    readings = [Reading(component=f"c{number}", source="s" * 99, error="\U0001f600" * 999) for number in range(64)]

    assert len(to_json(Statements().make(readings, spool, 1)).encode()) < 10 * 1024


def test_a_statement_is_news_once_a_day(spool: Spool) -> None:
    now = 0.0
    announcements = Announcements(lambda: now)
    statement = Statements().make([BAD], spool, 1_000)
    assert announcements.due(3600, statement) == {"interval_seconds": 3600, "agent": statement}

    announcements.told(3600, statement)

    assert announcements.due(3600, statement) == {"interval_seconds": 3600}
    assert "agent" in announcements.due(60, statement)
    now = TELL_AGAIN_SECONDS
    assert "agent" in announcements.due(3600, statement)


def test_other_words_for_the_same_failure_are_no_news(spool: Spool) -> None:
    announcements, statements = Announcements(lambda: 0.0), Statements()
    announcements.told(3600, statements.make([BAD], spool, 1_000))
    other = Reading(component="main", source="rauc", error="RAUC cannot be read: 17 s")

    assert "agent" not in announcements.due(3600, statements.make([other], spool, 2_000))
    assert "agent" in announcements.due(3600, statements.make([GOOD], spool, 3_000))


async def test_a_report_says_which_sources_fail(server: ReportServer, tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.configure(server.url, sources={"main": "/etc/version", "modem": "/etc/modem"})

    await device.run("report", "--once")

    agent = server.received[-1].agent
    assert agent is not None
    assert (agent["version"], agent["spool_error"]) == (__version__, None)
    [failing] = agent["sources"]
    assert (failing["component"], failing["source"], failing["failing_since_ms"]) == ("modem", "file", None)
    assert "/etc/modem" in failing["error"]


def knowing(*fields: str) -> Answer:
    """Refuse what an older server does not know, as it does."""

    async def answer(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        errors = [
            {"location": "body", "pointer": f"/{name}", "code": "unknown_field", "detail": "is not a field here"}
            for name in sorted(({*body} | {*_gone(body)}) - {*fields})
        ]
        if not errors:
            return await taken(request, body)
        problem = {"code": "invalid_request", "title": "no", "status": 422, "detail": "no", "request_id": "r1"}
        return web.json_response(problem | {"errors": errors}, status=422, content_type="application/problem+json")

    return answer


def _gone(body: dict[str, Any]) -> Iterator[str]:
    for number, record in enumerate(body["records"]):
        for place, component in enumerate(record["components"]):
            if "gone" in component:
                yield f"records/{number}/components/{place}/gone"


async def test_an_older_server_is_not_told_that_a_component_is_gone(server: ReportServer, tmp_path: Path) -> None:
    device = device_without_a_modem(tmp_path, server)
    server.answer = knowing("sent", "records", "interval_seconds", "agent")

    ended = await device.run("report", "--once")

    assert ended.code == 0
    assert [one.records[-1]["components"][1].get("gone") for one in server.received] == [True, None]
    assert "gone" in server.versions()["modem"]


async def test_a_server_is_told_that_a_component_is_gone(server: ReportServer, tmp_path: Path) -> None:
    device = device_without_a_modem(tmp_path, server)

    ended = await device.run("report", "--once")

    assert ended.code == 0
    assert [one.get("gone") for one in server.received[-1].records[-1]["components"]] == [None, True]


def device_without_a_modem(folder: Path, server: ReportServer) -> Device:
    device = Device(folder)
    device.configure(server.url)
    config = device.config.read_text()
    device.config.write_text(config + '\n[[sources]]\ntype = "drop-directory"\n')
    device.write("/run/firmtrail-agent/versions.d/modem.json", '{"modem": {"gone": true}}')
    return device


async def test_an_older_server_gets_every_record(server: ReportServer, tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.configure(server.url)
    server.answer = knowing("sent", "records")

    ended = await device.run("report", "--once")

    assert ended.code == 0
    assert [one.agent is None for one in server.received] == [False, True]
    assert server.versions() == {"main": "1.4.2"}
    assert not [*(device.root / "var/lib/firmtrail-agent/spool").glob("bad/*")]


async def test_the_service_says_it_once_and_learns_what_a_server_knows(server: ReportServer, tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.configure(server.url)
    server.answer = knowing("sent", "records", "interval_seconds")
    async with running(device, VirtualTime()):
        while (await server.arrival()).agent is not None:
            pass
        device.write("/etc/version", "1.5.0\n")
        changed = await server.arrival_of(main="1.5.0")

    assert changed.agent is None
    assert changed.interval_seconds is not None
    assert [one.agent is None for one in server.received].count(False) == 1
