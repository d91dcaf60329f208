"""Records that a device has lost leave a gap in its history, which a member sees."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import psycopg

from tests.server.callers import Caller, read
from tests.server.conftest import Clock, Demo

Json = dict[str, Any]
HOUR = 3_600_000


def reading(ms: int) -> Json:
    return {"boot_id": str(uuid.UUID(int=1)), "boot_sequence": 1, "boot_time_ms": ms}


def record(ms: int, version: str, dropped: int = 0) -> Json:
    return {"first_observed": reading(ms), "components": [{"version": version}], "dropped_before": dropped}


async def report(http: httpx.AsyncClient, demo: Demo, at_ms: int, *records: Json) -> None:
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    read(await http.post(path, auth=demo.device_key, json={"sent": reading(at_ms), "records": records}))


async def history(http: httpx.AsyncClient, demo: Demo, **query: Any) -> Json:
    return read(await http.get(demo.path, auth=demo.project_key, params=query))


def gap(began: str | None, ended: str, records: int) -> Json:
    return {"began_at": began and f"2026-06-01T{began}:00.000000Z", "ended_at": f"2026-06-01T{ended}:00.000000Z"} | {
        "records": records
    }


async def test_dropped_records_leave_a_gap_though_the_version_is_the_same(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, 9 * HOUR, record(HOUR, "1"), record(5 * HOUR, "1", dropped=3))

    answer = await history(http, demo)

    assert len(answer["items"]) == 1
    assert answer["gaps"] == [gap("04:00", "08:00", 3)]


async def test_a_gap_begins_with_the_last_report_of_an_earlier_batch(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, HOUR, record(HOUR, "1"))
    clock.advance(hours=3)

    for _ in range(2):  # a retry changes nothing
        await report(http, demo, 4 * HOUR, record(3 * HOUR, "2", dropped=7), record(4 * HOUR, "3"))

    assert (await history(http, demo))["gaps"] == [gap("12:00", "14:00", 7)]


async def test_a_refused_record_leaves_a_gap(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, 9 * HOUR, record(HOUR, "1"), record(2 * HOUR, "x" * 129), record(5 * HOUR, "1"))

    assert (await history(http, demo))["gaps"] == [gap("04:00", "08:00", 1)]


async def test_a_gap_before_the_first_report_has_no_beginning(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, HOUR, record(HOUR, "1", dropped=2))

    assert (await history(http, demo))["gaps"] == [gap(None, "12:00", 2)]


async def test_each_gap_is_on_one_page(http: httpx.AsyncClient, demo: Demo) -> None:
    records = [record(hour * HOUR, str(hour), dropped=hour % 2) for hour in range(1, 8)]
    await report(http, demo, 9 * HOUR, *records)

    pages: list[Json] = []
    token: Json = {}
    while not pages or token["page_token"]:
        pages.append(await history(http, demo, page_size=2, **token))
        token = {"page_token": pages[-1]["next_page_token"]}

    assert [len(page["gaps"]) for page in pages] == [1, 1, 1, 1]
    assert [one["ended_at"][11:13] for page in pages for one in page["gaps"]] == ["04", "06", "08", "10"]


async def test_an_answer_about_a_moment_says_whether_it_lies_in_a_gap(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, 9 * HOUR, record(HOUR, "1"), record(5 * HOUR, "1", dropped=3))

    within = await history(http, demo, at="2026-06-01T06:00:00Z")
    after = await history(http, demo, at="2026-06-01T09:00:00Z")

    assert (len(within["gaps"]), after["gaps"]) == (1, [])
    assert [one["version"] for one in within["items"]] == ["1"]


async def test_a_deleted_device_leaves_no_gap(
    http: httpx.AsyncClient, admin: Caller, demo: Demo, database_url: str
) -> None:
    await report(http, demo, HOUR, record(HOUR, "1", dropped=2))

    assert (await admin.delete(f"devices/{demo.device_id}")).status_code == 204

    with psycopg.connect(database_url) as conn:
        assert conn.execute("select count(*) from device_history_gaps").fetchone() == (0,)
