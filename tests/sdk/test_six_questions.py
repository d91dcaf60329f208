"""The six questions of a manager: each is one call in Python, and one line of the command."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from firmtrail import AsyncClient
from tests.sdk.shell import Shell
from tests.sdk.small_fleet import NOW, SmallFleet, small_fleet
from tests.served import Server
from tests.server.conftest import Clock, Demo

MAY_3 = dt.date(2026, 5, 3)
END_OF_MAY_3 = dt.datetime(2026, 5, 3, 23, 59, 59, 999_999, tzinfo=dt.UTC)


def may(day: int, hour: int = 8) -> dt.datetime:
    return dt.datetime(2026, 5, day, hour, tzinfo=dt.UTC)


@pytest.fixture
async def fleet(http: httpx.AsyncClient, server: Server, clock: Clock, demo: Demo) -> SmallFleet:
    return await small_fleet(http, server, clock, demo)


@pytest.fixture
async def client(fleet: SmallFleet) -> AsyncGenerator[AsyncClient]:
    async with AsyncClient(fleet.url, api_key=fleet.project_key) as client:
        yield client


@pytest.fixture
def command(fleet: SmallFleet, keyed: Shell) -> Shell:
    keyed.monkeypatch.delenv("FIRMTRAIL_PROJECT")  # the key knows it
    return keyed


async def rows(command: Shell, *arguments: str) -> list[list[str]]:
    """Run a line of the command; give the cells of its CSV below the header."""
    return [line.split(",") for line in (await command(*arguments, "--csv")).splitlines()[1:]]


async def test_what_runs_now(client: AsyncClient, command: Shell) -> None:
    counts = await client.fleet.versions()
    lines = await rows(command, "fleet", "versions")

    # main: pumps 1, 2 and 3 on 1.5.0; 4, which is silent, and 6 on 1.4.2. Pump 1 alone has a modem.
    expected = [("main", "1.5.0", 3, 0.6), ("main", "1.4.2", 2, 0.4), ("modem", "2.1.0", 1, 1.0)]
    assert [(one.component, one.version, one.devices, one.share) for one in counts.items] == expected
    assert [(one[0], one[1], int(one[2]), float(one[3])) for one in lines] == expected


async def test_what_ran_on_3_may(client: AsyncClient, command: Shell) -> None:
    counts = await client.fleet.versions(at=MAY_3, component="main")
    lines = await rows(command, "fleet", "versions", "--at", "2026-05-03", "--component", "main")

    expected = [("1.4.2", 4), ("1.4.1", 1)]
    assert [(one.version, one.devices) for one in counts.items] == expected
    assert [(one[1], int(one[2])) for one in lines] == expected
    assert counts.as_of == END_OF_MAY_3


async def test_who_still_runs_1_4(client: AsyncClient, command: Shell) -> None:
    names = [one.name async for one in client.devices.list(version="1.4.*")]
    lines = await rows(command, "devices", "list", "--version", "1.4.*")

    assert sorted(names) == sorted(one[0] for one in lines) == ["pump-4", "pump-6"]


async def test_how_fast_1_5_spread(client: AsyncClient, command: Shell) -> None:
    rollout = (await client.fleet.adoption(version="1.5.0", since=dt.date(2026, 5, 1))).rollout
    said = json.loads(await command("fleet", "adoption", "--version", "1.5.0", "--since", "2026-05-01", "--json"))

    # Five pumps have reported: pump-1 had it on the 10th, 2 on the 12th, 3 on the 29th, 6 on the 30th, 4 never.
    assert rollout is not None
    assert (rollout.devices, rollout.first_at, rollout.half_at) == (5, may(10), may(29))
    assert (rollout.ninety_percent_at, rollout.ninety_nine_percent_at) == (None, None)
    assert (rollout.replaced, rollout.rolled_back) == (4, 4)
    assert said["rollout"]["half_at"] == "2026-05-29T08:00:00.000000Z"
    shares = next(one["shares"] for one in said["versions"] if one["version"] == "1.5.0")
    assert shares[said["moments"].index("2026-05-13T00:00:00.000000Z")] == 0.4


async def test_who_went_back(client: AsyncClient, command: Shell) -> None:
    went = [one async for one in client.fleet.rollbacks(since=dt.date(2026, 5, 1))]
    lines = await rows(command, "fleet", "rollbacks", "--since", "2026-05-01")

    expected = [("pump-6", may(30, hour)) for hour in (14, 12, 10)] + [("pump-2", may(14))]
    assert [(one.device_name, one.at) for one in went] == expected
    assert [(one[0], dt.datetime.fromisoformat(one[4])) for one in lines] == expected
    assert {(one.from_version, one.to_version) for one in went} == {("1.5.0", "1.4.2")}


async def test_who_is_silent_and_since_when(client: AsyncClient, command: Shell) -> None:
    silent = [one async for one in client.fleet.silent()]
    lines = await rows(command, "fleet", "silent")

    # pump-5 never reported and was registered at 06:00 on the 1st; pump-4 was last heard of on the 20th
    expected = [("pump-5", may(1, 6)), ("pump-4", may(20))]
    assert [(one.name, one.silent_since) for one in silent] == expected
    assert [(one[0], dt.datetime.fromisoformat(one[1])) for one in lines] == expected


async def test_a_list_says_which_moment_its_page_is_about(client: AsyncClient) -> None:
    devices = client.devices.list(version="1.5", at=MAY_3)
    before = (devices.as_of, devices.labels_as_of, devices.near_versions)

    assert [one async for one in devices] == []
    assert (before, devices.as_of, devices.labels_as_of) == ((None, None, []), END_OF_MAY_3, NOW)
    assert devices.near_versions == ["1.5.0", "1.4.2", "1.4.1"], "what was meant, and what is beside it"


async def test_a_history_says_which_moment_it_is_about(fleet: SmallFleet, client: AsyncClient) -> None:
    then = client.firmware.history(fleet.devices["pump-2"], at=MAY_3)
    always = client.firmware.history(fleet.devices["pump-2"])

    assert [one.version async for one in then] == ["1.4.2"]
    assert len([one async for one in always]) == 4
    assert (then.as_of, always.as_of) == (END_OF_MAY_3, None)
