"""What agents say of themselves, over HTTP: kept when it changes, shown with the device, and filtered in the list."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from tests.server.callers import Caller, all_pages, read, wrong_fields
from tests.server.conftest import Clock, Demo

Json = dict[str, Any]
MINUTE = 60_000
BOOT = "00000000-0000-0000-0000-000000000001"
RAUC: Json = {"component": "main", "source": "rauc", "error": "RAUC cannot be read"}


async def say(http: httpx.AsyncClient, demo: Demo, at_ms: int, **agent: Any) -> httpx.Response:
    body: Json = {
        "sent": {"boot_id": BOOT, "boot_sequence": 1, "boot_time_ms": at_ms},
        "records": [],
        "interval_seconds": 3600,
        "agent": {"version": "0.1.0"} | agent,
    }
    return await http.post(f"/v1/devices/{demo.device_id}/firmware_reports", auth=demo.device_key, json=body)


async def agent_of(http: httpx.AsyncClient, demo: Demo) -> Json:
    return read(await Caller(http, demo.project_key).get(f"devices/{demo.device_id}"))["agent"]


async def listed(http: httpx.AsyncClient, demo: Demo, **query: str) -> list[Json]:
    return await all_pages(Caller(http, demo.project_key), f"projects/{demo.project_id}/devices", **query)


async def test_a_device_shows_its_agent_and_the_sources_that_fail(http: httpx.AsyncClient, demo: Demo) -> None:
    assert await agent_of(http, demo) is None

    read(await say(http, demo, 90 * MINUTE, sources=[RAUC | {"failing_since_ms": 30 * MINUTE}]))

    assert await agent_of(http, demo) == {
        "version": "0.1.0",
        "interval_seconds": 3600,
        "health": "failing",
        "sources": [RAUC | {"failing_since": "2026-06-01T11:00:00.000000Z"}],
        "spool_error": None,
        "changed_at": "2026-06-01T12:00:00.000000Z",
    }


async def test_a_failure_keeps_its_first_moment_over_restarts(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await say(http, demo, MINUTE, sources=[RAUC])
    clock.advance(days=3)

    await say(http, demo, MINUTE, version="0.2.0", sources=[RAUC | {"error": "still not"}])

    agent = await agent_of(http, demo)
    assert (agent["version"], agent["sources"][0]["error"]) == ("0.2.0", "still not")
    assert agent["sources"][0]["failing_since"] == "2026-06-01T12:00:00.000000Z"


async def test_a_source_that_worked_in_between_fails_since_then(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await say(http, demo, MINUTE, sources=[RAUC])
    clock.advance(days=3)

    await say(http, demo, 60 * MINUTE, sources=[RAUC | {"failing_since_ms": 50 * MINUTE}])

    [failure] = (await agent_of(http, demo))["sources"]
    assert failure["failing_since"] == "2026-06-04T11:50:00.000000Z"


async def test_a_repeated_statement_writes_nothing(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, database_url: str
) -> None:
    failing = [RAUC | {"failing_since_ms": 0}]
    await say(http, demo, MINUTE, sources=failing)
    with psycopg.connect(database_url) as conn:
        before = conn.execute("select xmin::text, changed_at from device_agents").fetchall()
        conn.rollback()
        clock.advance(hours=1, seconds=2)

        await say(http, demo, 61 * MINUTE, sources=failing)

        assert conn.execute("select xmin::text, changed_at from device_agents").fetchall() == before


async def test_the_list_shows_agents_and_is_filtered_by_them(http: httpx.AsyncClient, demo: Demo) -> None:
    await say(http, demo, MINUTE, sources=[RAUC])

    assert [one["agent"]["health"] for one in await listed(http, demo)] == ["failing"]
    assert len(await listed(http, demo, agent_health="failing", agent_version="0.1.0")) == 1
    assert await listed(http, demo, agent_health="ok") == []
    assert await listed(http, demo, agent_version="0.1") == []


async def test_a_disk_that_takes_no_records_is_a_failure(http: httpx.AsyncClient, demo: Demo) -> None:
    await say(http, demo, MINUTE, spool_error="the spool cannot be written: Read-only file system")
    assert (await agent_of(http, demo))["health"] == "failing"

    await say(http, demo, MINUTE)
    assert (await agent_of(http, demo))["health"] == "ok"


@pytest.mark.parametrize(
    ("agent", "wrong"),
    [
        ({"version": ""}, ("/agent/version", "too_short")),
        ({"sources": [RAUC | {"error": "a\nb"}]}, ("/agent/sources/0/error", "forbidden_characters")),
        ({"sources": [RAUC] * 65}, ("/agent/sources", "too_long")),
        ({"sources": [RAUC | {"failing_since_ms": -1}]}, ("/agent/sources/0/failing_since_ms", "out_of_range")),
        ({"more": 1}, ("/agent/more", "unknown_field")),
    ],
)
async def test_a_wrong_statement_is_refused(
    http: httpx.AsyncClient, demo: Demo, agent: Json, wrong: tuple[str, str]
) -> None:
    assert wrong_fields(await say(http, demo, MINUTE, **agent)) == [wrong]
    assert await agent_of(http, demo) is None


async def test_a_deleted_device_leaves_no_agent(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, database_url: str
) -> None:
    await say(http, demo, MINUTE)

    assert (await admin.delete(f"devices/{demo.device_id}")).status_code == 204

    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from device_agents").fetchone() == (0,)
