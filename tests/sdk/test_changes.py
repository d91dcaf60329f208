"""The feed by the SDK and by `firmtrail changes`: it goes on through every outage, and says so when it cannot."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from firmtrail import AsyncClient, Client, FirmwareChange, GoneError
from firmtrail._retry import RetryPolicy
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering, hanging_up
from tests.sdk.policies import with_policy
from tests.sdk.shell import Shell
from tests.server.conftest import Demo

KEY = "id:secret"
DEVICE = "00000000-0000-4000-8000-000000000000"

#: Follows the feed of a server from a number on, as far as so many changes.
Follow = Callable[[str, int | None, int], Awaitable[list[int]]]


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


POLICY = RetryPolicy(sleep=lambda _: None, async_sleep=no_sleep)


async def follow_async(url: str, after: int | None, count: int) -> list[int]:
    found: list[int] = []
    async with with_policy(AsyncClient(url, api_key=KEY, auth="basic"), POLICY) as client:
        async for change in client.firmware_changes.follow(after=after):
            found.append(change.number)
            if len(found) == count:
                break
    return found


async def follow_sync(url: str, after: int | None, count: int) -> list[int]:
    def use() -> list[int]:
        with with_policy(Client(url, api_key=KEY, auth="basic"), POLICY) as client:
            changes = iter(client.firmware_changes.follow(after=after))
            return [next(changes).number for _ in range(count)]

    return await asyncio.to_thread(use)


@pytest.fixture(params=[follow_async, follow_sync])
def follow(request: pytest.FixtureRequest) -> Follow:
    return request.param


def page(*numbers: int, last_number: int) -> Behaviour:
    items = [
        {"number": number, "kind": "opened", "device_id": DEVICE, "recorded_at": "2026-05-03T12:00:00Z"}
        for number in numbers
    ]
    return answering(200, json.dumps({"items": items, "last_number": last_number}))


def asked_after(server: MisbehavingServer) -> list[str | None]:
    targets = [request.split(b" ", 2)[1].decode() for request in server.requests]
    return [parse_qs(urlsplit(target).query).get("after", [None])[0] for target in targets]


async def test_following_goes_on_from_the_last_number(follow: Follow, misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page(8, 9, last_number=9), page(last_number=9), page(10, last_number=10)]

    assert await follow(misbehaving.url, 7, 3) == [8, 9, 10]
    assert asked_after(misbehaving) == ["7", "9", "9"]


async def test_following_goes_past_what_a_filter_leaves_out(follow: Follow, misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page(last_number=50), page(51, last_number=51)]

    assert await follow(misbehaving.url, None, 1) == [51]
    assert asked_after(misbehaving) == [None, "50"]


async def test_following_survives_outages(follow: Follow, misbehaving: MisbehavingServer) -> None:
    outage = [hanging_up] * 7 + [answering(503, Retry_After="5")] * 4 + [answering(504), answering(429), answering(500)]
    misbehaving.behaviours = [page(1, last_number=1), *outage, page(2, last_number=2)]

    assert await follow(misbehaving.url, 0, 2) == [1, 2]
    assert {*asked_after(misbehaving)[1:]} == {"1"}


async def test_following_ends_where_changes_are_not_kept(follow: Follow, misbehaving: MisbehavingServer) -> None:
    problem = {"code": "gone", "title": "Gone", "status": 410, "detail": "Export again.", "request_id": "1"}
    misbehaving.behaviours = [page(1, last_number=1), answering(410, json.dumps(problem))]

    with pytest.raises(GoneError, match="Export again"):
        await follow(misbehaving.url, 0, 2)


async def test_a_follower_says_how_far_it_has_come(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [page(1, 2, 3, last_number=9)]

    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        changes = client.firmware_changes.follow(after=0)
        assert changes.last_number == 0
        async for change in changes:
            assert changes.last_number == change.number
            if change.number == 2:
                break

    assert "after 2" in repr(changes)


async def run(http: httpx.AsyncClient, demo: Demo, *versions: str) -> None:
    for version in versions:
        (await http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


async def test_the_sdk_reads_the_feed_of_a_real_server(http: httpx.AsyncClient, demo: Demo) -> None:
    await run(http, demo, "1", "2")
    key = ":".join(demo.project_key)

    async with AsyncClient(str(http.base_url), api_key=key) as client:
        first = await client.firmware_changes.poll(limit=1)
        second = await client.firmware_changes.poll(after=first.last_number, wait_seconds=5)

    assert [(one.number, one.previous_version, one.version) for one in second.items] == [(2, "1", "2")]
    assert isinstance(second.items[0], FirmwareChange)


async def test_changes_are_listed_as_a_table_json_and_csv(keyed: Shell, http: httpx.AsyncClient, demo: Demo) -> None:
    await run(http, demo, "1", "2", "3")

    listed = [json.loads(line)["version"] for line in (await keyed("changes", "--json")).splitlines()]
    table = await keyed("changes", "--after", "1")
    rows = [*csv.DictReader((await keyed("changes", "--csv", "--after", "2")).splitlines())]

    assert [line.split()[0] for line in table.splitlines()] == ["number", "2", "3"]
    assert listed == ["1", "2", "3"]
    assert [(row["number"], row["kind"], row["version"]) for row in rows] == [("3", "opened", "3")]


async def test_a_list_of_changes_says_how_to_go_on(keyed: Shell, http: httpx.AsyncClient, demo: Demo) -> None:
    await run(http, demo, "1", "2")

    assert "--after 2" in await keyed.said("changes", "--kind", "moved")


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
async def test_followed_changes_are_written_as_they_come(
    keyed: Shell, http: httpx.AsyncClient, demo: Demo, form: list[str]
) -> None:
    assert keyed
    command = [sys.executable, "-m", "firmtrail.cli", "changes", "--follow", "--limit", "2", *form]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    lines: list[Any] = []
    async with asyncio.timeout(30):
        for version in ("7.1", "7.2"):
            await run(http, demo, version)
            while not (lines and version in lines[-1]):
                lines.append((await process.stdout.readline()).decode())
        assert await process.wait() == 0
