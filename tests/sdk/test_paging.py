"""Lists: what is fetched, when, and where a list can be resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from firmtrail import AsyncClient, AsyncPager, Client, InvalidRequestError, VersionPeriod
from firmtrail.testing import StandIn
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering

KEY = "id:secret"

Pages = Callable[..., Awaitable[list[list[str]]]]


@attrs.frozen
class Pump:
    """A device at the stand-in that ran 1, 2 and 3."""

    stand_in: StandIn
    id: str

    @property
    def asked(self) -> list[dict[str, str]]:
        """The query of each request."""
        return [{**request.query} for request in self.stand_in.requests]

    def client(self) -> AsyncClient:
        return AsyncClient(self.stand_in.url, api_key=self.stand_in.api_key)


@pytest.fixture
def pump(firmtrail_stand_in: StandIn) -> Pump:
    device = firmtrail_stand_in.add_device("pump-1")
    for version in "123":
        firmtrail_stand_in.add_report(device.id, version)
    return Pump(firmtrail_stand_in, str(device.id))


async def pages_async(pump: Pump, **arguments: Any) -> list[list[str]]:
    async with pump.client() as client:
        return [versions(page.items) async for page in client.firmware.history(pump.id, **arguments).pages()]


async def pages_sync(pump: Pump, **arguments: Any) -> list[list[str]]:
    def use() -> list[list[str]]:
        with Client() as client:
            return [versions(page.items) for page in client.firmware.history(pump.id, **arguments).pages()]

    return await asyncio.to_thread(use)


@pytest.fixture(params=[pages_async, pages_sync])
def pages(request: pytest.FixtureRequest) -> Pages:
    return request.param


def versions(periods: list[VersionPeriod]) -> list[str]:
    return [period.version for period in periods]


async def test_pages_follow_the_tokens(pump: Pump, pages: Pages) -> None:
    assert await pages(pump, page_size=2) == [["1", "2"], ["3"]]
    first, second = pump.asked
    assert (first, second["page_size"]) == ({"page_size": "2"}, "2")
    assert second["page_token"]


async def test_a_limit_asks_for_no_more_than_it_needs(pump: Pump, pages: Pages) -> None:
    assert await pages(pump, page_size=2, limit=3) == [["1", "2"], ["3"]]
    assert [query["page_size"] for query in pump.asked] == ["2", "1"]


async def test_a_limit_of_nothing_asks_for_nothing(pump: Pump, pages: Pages) -> None:
    assert await pages(pump, limit=0) == []
    assert pump.asked == []


async def test_a_list_can_be_resumed_where_another_stopped(pump: Pump, pages: Pages) -> None:
    async with pump.client() as client:
        limited = client.firmware.history(pump.id, limit=1)
        _ = [period async for period in limited]

    assert await pages(pump, page_token=limited.next_page_token) == [["2", "3"]]
    assert pump.asked[-1] == {"page_size": "100", "page_token": limited.next_page_token}


async def test_a_pager_says_where_it_stopped(pump: Pump) -> None:
    async with pump.client() as client:
        history = client.firmware.history(pump.id)
        before = history.next_page_token
        limited = client.firmware.history(pump.id, limit=1)
        _ = [period async for period in limited]
        _ = [period async for period in history]

    assert (before, history.next_page_token) == (None, None)
    assert limited.next_page_token


async def test_each_iteration_starts_anew(pump: Pump) -> None:
    async with pump.client() as client:
        history = client.firmware.history(pump.id, page_size=2)
        read = [versions([period async for period in history]) for _ in range(2)]

    assert read == [["1", "2", "3"], ["1", "2", "3"]]


async def test_the_first_item_is_fetched_alone(pump: Pump) -> None:
    async with pump.client() as client:
        first = await client.firmware.history(pump.id).first()

    assert first is not None
    assert (first.version, pump.asked) == ("1", [{"page_size": "1"}])


async def test_an_empty_list_has_no_first_item(pump: Pump) -> None:
    async with pump.client() as client:
        assert await client.firmware.history(pump.id, component="modem").first() is None


async def test_showing_a_pager_fetches_nothing(pump: Pump) -> None:
    async with pump.client() as client:
        shown: AsyncPager[VersionPeriod] = client.firmware.history(pump.id)

        assert pump.id in repr(shown)
        assert shown._repr_html_() == f"<code>{repr(shown).replace('<', '&lt;').replace('>', '&gt;')}</code>"
    assert pump.asked == []


def page(*names: str, token: str | None = None) -> Behaviour:
    """What no server should answer: an empty page before the last one, or more than was asked for."""
    project = {"created_at": "2026-05-03T12:00:00Z", "id": "00000000-0000-4000-8000-000000000000", "role": "viewer"}
    return answering(200, json.dumps({"items": [project | {"name": name} for name in names], "next_page_token": token}))


async def test_an_empty_page_is_not_the_last(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page(token="a&b"), page(token="c"), page("1")]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        assert [project.name async for project in client.projects.list()] == ["1"]

    assert b"page_token=a%26b" in misbehaving.requests[1]


async def test_a_limit_holds_when_a_server_sends_more(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page("1", "2", "3")]
    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        assert [project.name async for project in client.projects.list(limit=2)] == ["1", "2"]


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
        client.firmware.history("00000000-0000-4000-8000-000000000000", **arguments)

    assert [(error.location, error.pointer) for error in refused.value.errors] == [("query", pointer)]


@pytest.mark.parametrize("device_id", ["", "..", "1/../2", "pump-1"])
def test_a_device_id_that_is_no_uuid_is_refused_at_once(device_id: str) -> None:
    with (
        Client("http://127.0.0.1:9", api_key=KEY, auth="basic") as client,
        pytest.raises(InvalidRequestError, match="/device_id"),
    ):
        client.firmware.history(device_id)
