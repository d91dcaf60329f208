"""A history says where the moments of its periods come from, as the receipts of the reports said."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest

from firmtrail_contract import ObservedAtSource
from firmtrail_server.history.boots import Stretch
from firmtrail_server.history.moment_sources import BootStart, MomentSources, StoredPeriod
from tests.server.callers import read
from tests.server.conftest import Clock, Demo

Json = dict[str, Any]
HOUR = 3_600_000
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def reading(boot: int, ms: int, **wall: str) -> Json:
    return {"boot_id": str(uuid.UUID(int=boot)), "boot_sequence": boot, "boot_time_ms": ms, **wall}


def record(first: Json, last: Json, version: str) -> Json:
    return {"first_observed": first, "last_observed": last, "components": [{"version": version}]}


async def send(http: httpx.AsyncClient, demo: Demo, sent: Json, *records: Json) -> list[str]:
    """Send a batch; return where the first moments of its records come from."""
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    answer = read(await http.post(path, auth=demo.device_key, json={"sent": sent, "records": records}))
    return [one["first_observed"]["source"] for one in answer["records"]]


async def sources(http: httpx.AsyncClient, demo: Demo, **query: str) -> list[tuple[str | None, str | None]]:
    answer = read(await http.get(demo.path, auth=demo.project_key, params=query))
    return [(one["first_reported_at_source"], one["last_reported_at_source"]) for one in answer["items"]]


async def test_moments_of_plain_reports_are_the_servers_or_the_devices(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    said = [{"version": "1", "observed_at": "2026-05-01T00:00:00Z"}, {"version": "2"}, {"version": "2"}]
    for report in said:
        assert (await http.post(demo.path, auth=demo.device_key, json=report)).is_success
        clock.advance(hours=1)

    assert await sources(http, demo) == [("device", "device"), ("server", None)]


async def test_moments_of_boots_are_known_by_the_clock_that_tells_the_boot(http: httpx.AsyncClient, demo: Demo) -> None:
    synced = reading(2, HOUR, wall_time="2026-05-31T20:00:00Z", clock_state="synced")
    records = [
        record(reading(1, HOUR), reading(1, 2 * HOUR), "1"),
        record(synced, reading(2, 2 * HOUR), "2"),
        record(reading(3, HOUR), reading(3, 2 * HOUR), "3"),
        record(reading(4, HOUR), reading(4, 2 * HOUR), "4"),
    ]

    receipts = await send(http, demo, reading(4, 3 * HOUR), *records)

    assert receipts == ["upper_bound", "device", "upper_bound", "boot_clock"]
    assert await sources(http, demo) == [(one, one) for one in receipts]
    assert await sources(http, demo, at="2026-05-31T20:30:00Z") == [("device", "device")]


async def test_a_period_over_two_boots_has_two_sources(http: httpx.AsyncClient, demo: Demo) -> None:
    await send(
        http,
        demo,
        reading(2, 3 * HOUR),
        record(reading(1, HOUR), reading(1, 2 * HOUR), "1"),
        record(reading(2, HOUR), reading(2, 2 * HOUR), "1"),
    )

    assert await sources(http, demo) == [("upper_bound", "boot_clock")]


@pytest.mark.parametrize(
    ("hours_ago", "source"), [(9, "device"), (7, "upper_bound"), (4, "boot_clock"), (2, "boot_clock")]
)
def test_a_part_of_a_boot_with_another_start_has_its_own_source(hours_ago: int, source: str) -> None:
    held = Stretch(started_at=ago(8), source=ObservedAtSource.UPPER_BOUND, until=ago(6))
    boots = [
        BootStart(ago(10), ObservedAtSource.DEVICE, ()),
        BootStart(ago(5), ObservedAtSource.BOOT_CLOCK, (held,)),
    ]

    told = MomentSources(boots).told(period(ago(hours_ago)))

    assert told.first_reported_at_source == source


@pytest.mark.parametrize(("minutes_ahead", "source"), [(-1, "device"), (1, None)])
def test_a_moment_ahead_of_the_servers_may_be_anybodys(minutes_ahead: int, source: str | None) -> None:
    told = MomentSources([]).told(period(NOW + dt.timedelta(minutes=minutes_ahead)))

    assert told.first_reported_at_source == source


def ago(hours: int) -> dt.datetime:
    return NOW - dt.timedelta(hours=hours)


def period(at: dt.datetime) -> StoredPeriod:
    return StoredPeriod(
        id=uuid.UUID(int=1),
        component="main",
        version="1",
        first_reported_at=at,
        last_reported_at=at,
        report_count=1,
        superseded_at=None,
        recorded_at=NOW,
    )
