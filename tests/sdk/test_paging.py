"""Lists: what is fetched, when, and where a list can be resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from firmtrail import AsyncClient, AsyncPager, Client, InvalidRequestError, VersionPeriod
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering

DEVICE = "00000000-0000-4000-8000-000000000000"
KEY = "id:secret"

Pages = Callable[..., Awaitable[list[list[str]]]]


async def pages_async(url: str, **arguments: Any) -> list[list[str]]:
    async with AsyncClient(url, api_key=KEY, auth="basic") as client:
        return [versions(page.items) async for page in client.firmware.history(DEVICE, **arguments).pages()]


async def pages_sync(url: str, **arguments: Any) -> list[list[str]]:
    def use() -> list[list[str]]:
        with Client(url, api_key=KEY, auth="basic") as client:
            return [versions(page.items) for page in client.firmware.history(DEVICE, **arguments).pages()]

    return await asyncio.to_thread(use)


@pytest.fixture(params=[pages_async, pages_sync])
def pages(request: pytest.FixtureRequest) -> Pages:
    return request.param


def versions(periods: list[VersionPeriod]) -> list[str]:
    return [period.version for period in periods]


def page(*names: str, token: str | None = None) -> Behaviour:
    moment = "2026-05-03T12:00:00Z"
    items = [
        {
            "id": DEVICE,
            "component": "main",
            "version": name,
            "first_reported_at": moment,
            "last_reported_at": moment,
            "report_count": 1,
            "superseded_at": None,
            "recorded_at": moment,
        }
        for name in names
    ]
    return answering(200, json.dumps({"items": items, "next_page_token": token}))


def asked(server: MisbehavingServer) -> list[dict[str, list[str]]]:
    """The query of each request."""
    return [parse_qs(urlsplit(request.split(b" ")[1].decode()).query) for request in server.requests]


async def test_pages_follow_the_tokens(misbehaving: MisbehavingServer, pages: Pages) -> None:
    misbehaving.behaviours = [page("1", "2", token="a&b"), page(token="c"), page("3")]

    assert await pages(misbehaving.url, page_size=2) == [["1", "2"], [], ["3"]]
    assert asked(misbehaving) == [
        {"page_size": ["2"]},
        {"page_size": ["2"], "page_token": ["a&b"]},
        {"page_size": ["2"], "page_token": ["c"]},
    ]


async def test_a_limit_asks_for_no_more_than_it_needs(misbehaving: MisbehavingServer, pages: Pages) -> None:
    misbehaving.behaviours = [page("1", "2", token="a"), page("3", token="b")]

    assert await pages(misbehaving.url, page_size=2, limit=3) == [["1", "2"], ["3"]]
    assert [query["page_size"] for query in asked(misbehaving)] == [["2"], ["1"]]


async def test_a_limit_holds_when_a_server_sends_more(misbehaving: MisbehavingServer, pages: Pages) -> None:
    misbehaving.behaviours = [page("1", "2", "3")]

    assert await pages(misbehaving.url, limit=2) == [["1", "2"]]


async def test_a_limit_of_nothing_asks_for_nothing(misbehaving: MisbehavingServer, pages: Pages) -> None:
    assert await pages(misbehaving.url, limit=0) == []
    assert misbehaving.requests == []


async def test_a_list_can_be_resumed_where_another_stopped(misbehaving: MisbehavingServer, pages: Pages) -> None:
    misbehaving.behaviours = [page("9")]

    assert await pages(misbehaving.url, page_token="here") == [["9"]]
    assert asked(misbehaving) == [{"page_size": ["100"], "page_token": ["here"]}]


async def test_a_pager_says_where_it_stopped(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page("1", token="behind"), page("2")]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        history = client.firmware.history(DEVICE)
        before = history.next_page_token
        limited = client.firmware.history(DEVICE, limit=1)
        _ = [period async for period in limited]
        _ = [period async for period in history]

    assert (before, limited.next_page_token, history.next_page_token) == (None, "behind", None)


async def test_each_iteration_starts_anew(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page("1", token="a"), page("2"), page("1", token="a"), page("2")]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        history = client.firmware.history(DEVICE)
        read = [versions([period async for period in history]) for _ in range(2)]

    assert read == [["1", "2"], ["1", "2"]]


async def test_the_first_item_is_fetched_alone(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page(token="a"), page("1", token="b")]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        first = await client.firmware.history(DEVICE).first()

    assert first is not None
    assert first.version == "1"
    assert [query["page_size"] for query in asked(misbehaving)] == [["1"], ["1"]]


async def test_an_empty_list_has_no_first_item(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page()]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        assert await client.firmware.history(DEVICE).first() is None


async def test_showing_a_pager_fetches_nothing(misbehaving: MisbehavingServer) -> None:
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        shown: AsyncPager[VersionPeriod] = client.firmware.history(DEVICE)

        assert DEVICE in repr(shown)
        assert shown._repr_html_() == f"<code>{repr(shown).replace('<', '&lt;').replace('>', '&gt;')}</code>"
    assert misbehaving.requests == []


@pytest.mark.parametrize(
    ("arguments", "pointer"),
    [
        ({"page_size": 0}, "/page_size"),
        ({"page_size": 1001}, "/page_size"),
        ({"page_size": "9"}, "/page_size"),
        ({"page_token": ""}, "/page_token"),
        ({"limit": -1}, "/limit"),
    ],
)
def test_a_list_that_cannot_be_asked_for_is_refused_at_once(arguments: dict[str, Any], pointer: str) -> None:
    with (
        Client("http://127.0.0.1:9", api_key=KEY, auth="basic") as client,
        pytest.raises(InvalidRequestError) as refused,
    ):
        client.firmware.history(DEVICE, **arguments)

    assert [(error.location, error.pointer) for error in refused.value.errors] == [("query", pointer)]


@pytest.mark.parametrize("device_id", ["", "..", "1/../2", "pump-1"])
def test_a_device_id_that_is_no_uuid_is_refused_at_once(device_id: str) -> None:
    with (
        Client("http://127.0.0.1:9", api_key=KEY, auth="basic") as client,
        pytest.raises(InvalidRequestError, match="/device_id"),
    ):
        client.firmware.history(device_id)
