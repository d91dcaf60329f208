"""The stream that tells a page of changes: what it says, to whom, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from firmtrail_contract import Role
from firmtrail_server.http import feed_endpoint
from firmtrail_server.services import feed_waits
from tests.server.browser import Browser
from tests.server.callers import Caller, join, made, new_user
from tests.server.conftest import Clock
from tests.server.pages.conftest import reporting

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_waits, "_SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(feed_endpoint, "_SECONDS_BETWEEN_HEARTBEATS", 0.02)


@asynccontextmanager
async def listening(browser: Browser, path: str, **headers: str) -> AsyncGenerator[AsyncIterator[tuple[str, str]]]:
    """Read the events of a stream: what each is called, and its number."""
    async with browser.http.stream("GET", path, headers=STREAM | headers) as response:
        assert response.status_code == 200
        yield parsed(response)


async def parsed(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value
        elif "event" in fields:
            yield fields["event"], fields["id"]
            fields = {}


async def test_the_stream_begins_where_the_feed_ends(browser: Browser, mara: Caller, fleet: str) -> None:
    async with listening(browser, f"{fleet}/changes") as events:
        first = await anext(events)
        await reporting(mara, fleet.rpartition("/")[2], "pump-2", [("1.5.0", "2026-05-30")])

        assert [first, await anext(events)] == [("position", "4"), ("changed", "5")]


async def test_the_stream_goes_on_after_the_last_event_id(browser: Browser, fleet: str) -> None:
    async with listening(browser, f"{fleet}/changes") as events:
        assert await anext(events) == ("position", "4")

    async with listening(browser, f"{fleet}/changes", **{"Last-Event-ID": "2"}) as events:
        assert [await anext(events), await anext(events)] == [("changed", "4"), ("position", "4")]


async def test_the_stream_of_a_device_leaves_out_other_devices(browser: Browser, mara: Caller, fleet: str) -> None:
    project = fleet.rpartition("/")[2]
    other = await reporting(mara, project, "pump-2", [("1.5.0", "2026-05-30")])

    async with listening(browser, f"{fleet}/changes?after=0&device_id={other}") as events:
        assert await anext(events) == ("changed", "5")


async def test_the_stream_tells_nothing_of_what_has_changed(browser: Browser, fleet: str) -> None:
    async with browser.http.stream("GET", f"{fleet}/changes?after=0", headers=STREAM) as response:
        text = await anext(response.aiter_text())

    assert "1.5.0" not in text
    assert "device" not in text


async def test_signing_out_ends_the_stream(browser: Browser, fleet: str) -> None:
    async with listening(browser, f"{fleet}/changes") as events:
        await anext(events)
        await browser.post("/sign-out", "/projects")

        assert [one async for one in events] == []


async def test_the_stream_ends_with_the_membership(
    http: httpx.AsyncClient, browser: Browser, mara: Caller, fleet: str
) -> None:
    ben = await new_user(http, "ben@example.com")
    await join(ben, mara, fleet[1:], Role.VIEWER)
    await browser.sign_in("ben@example.com")
    ben_id = (await ben.get("users/me")).json()["id"]
    async with listening(browser, f"{fleet}/changes") as events:
        await anext(events)
        await mara.delete(f"{fleet[1:]}/members/{ben_id}")

        assert [one async for one in events] == []


async def test_the_stream_ends_with_its_access_token_and_begins_with_the_next(
    browser: Browser, fleet: str, clock: Clock
) -> None:
    async with listening(browser, f"{fleet}/changes") as events:
        await anext(events)
        clock.advance(hours=2)
        assert [one async for one in events] == []

    async with browser.http.stream("GET", f"{fleet}/changes", headers=STREAM) as again:
        assert again.status_code == 200
        assert len(again.headers.get_list("Set-Cookie")) == 2


@pytest.mark.parametrize("path", ["", "?after=1"])
async def test_who_is_not_signed_in_is_told_not_to_come_again(stranger: Browser, fleet: str, path: str) -> None:
    answer = await stranger.http.get(f"{fleet}/changes{path}", headers=STREAM)

    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_stream_of_another_project_is_not_found(
    http: httpx.AsyncClient, browser: Browser, fleet: str
) -> None:
    eve = await new_user(http, "eve@example.com")
    theirs = made(await eve.post("projects", {"name": "Theirs"}))["id"]

    assert (await browser.http.get(f"/projects/{theirs}/changes", headers=STREAM)).status_code == 404


@pytest.mark.parametrize("query", ["after=9", "after=x", "labels=%3D"])
async def test_a_place_that_there_is_not_is_refused(browser: Browser, fleet: str, query: str) -> None:
    assert (await browser.http.get(f"{fleet}/changes?{query}", headers=STREAM)).status_code in {410, 422}
