"""A component that is gone, by its device's own word, is gone in every answer; its history stays."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx
import pytest

from firmtrail_contract import NDJSON_TYPE
from firmtrail_server.services.derived_tables import compare
from tests.server.callers import Caller, made, read
from tests.server.conftest import Clock, Demo
from tests.server.exporting import export
from tests.server.heard_devices import open_site
from tests.server.statements import find_statements

Json = dict[str, Any]
HOUR = 3_600_000
GONE: Json = {"error": "/var/lib/dpkg/status: the package modem-fw is not installed", "gone": True}
#: statements about stored periods as they are, also those in which a component is gone
OF_ALL_PERIODS = {
    "deletions.delete_open_periods",
    "firmware_changes.insert_of_parts",
    "periods.list_closed_around",
    "periods.lock_open_periods",
}
#: they ask for versions by name, or for none
OF_NAMED_VERSIONS = {
    f"device_lists.{verb}_{what}" for verb in ("count", "list") for what in ("devices", "running", "that_ran")
} | {"device_lists.list_devices_descending", "reports.extend_period"}


def reading(hour: int) -> Json:
    return {"boot_id": str(uuid.UUID(int=1)), "boot_sequence": 1, "boot_time_ms": hour * HOUR}


def record(hour: int, modem: Json) -> Json:
    components = [{"component": "main", "version": "1"}, {"component": "modem", **modem}]
    return {"first_observed": reading(hour), "components": components}


async def report(http: httpx.AsyncClient, demo: Demo, hour: int, *records: Json) -> list[Json]:
    """Report at an hour after the device's start, which is 12 o'clock."""
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    answer = read(await http.post(path, auth=demo.device_key, json={"sent": reading(hour), "records": list(records)}))
    return [one for receipt in answer["records"] for one in receipt["components"] if one["component"] == "modem"]


@pytest.fixture
async def demo_of_a_lost_modem(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> Demo:
    """A device whose modem ran A from 12 o'clock on and is gone since 14 o'clock; it is 15 o'clock."""
    await report(http, demo, 0, record(0, {"version": "A"}))
    clock.advance(hours=2)
    await report(http, demo, 2, record(2, GONE))
    clock.advance(hours=1)
    return demo


async def modem(http: httpx.AsyncClient, demo: Demo, **query: Any) -> list[tuple[str, str | None]]:
    answer = read(await http.get(demo.path, auth=demo.project_key, params={"component": "modem", **query}))
    return [(one["version"], one["superseded_at"] and one["superseded_at"][11:16]) for one in answer["items"]]


async def counted(admin: Caller, **query: str) -> dict[str, int]:
    """Count by a question about all components: one that is gone everywhere is one of them, for moments before."""
    answer = read(await admin.get("projects/current/firmware_versions", **query))
    return {one["version"]: one["devices"] for one in answer["items"] if one["component"] == "modem"}


async def test_a_gone_component_is_no_longer_current(http: httpx.AsyncClient, demo_of_a_lost_modem: Demo) -> None:
    demo = demo_of_a_lost_modem

    assert await modem(http, demo) == [("A", "14:00")]
    assert await modem(http, demo, at="2026-06-01T13:59:00Z") == [("A", "14:00")]
    assert await modem(http, demo, at="2026-06-01T14:00:00Z") == []


async def test_a_gone_component_is_not_counted(admin: Caller, demo_of_a_lost_modem: Demo) -> None:
    assert await counted(admin) == {}
    assert await counted(admin, at="2026-06-01T13:00:00Z") == {"A": 1}
    assert await counted(admin, at="2026-06-01T14:30:00Z") == {}


async def test_a_device_runs_what_is_not_gone(admin: Caller, demo_of_a_lost_modem: Demo) -> None:
    (listed,) = read(await admin.get("projects/current/devices"))["items"]

    assert [(one["component"], one["version"]) for one in listed["firmware"]] == [("main", "1")]


async def test_a_component_comes_back(http: httpx.AsyncClient, admin: Caller, demo_of_a_lost_modem: Demo) -> None:
    demo = demo_of_a_lost_modem

    (receipt,) = await report(http, demo, 3, record(3, {"version": "B"}))

    assert receipt["outcome"] == "opened"
    assert await modem(http, demo) == [("A", "14:00"), ("B", None)]
    assert await counted(admin) == {"B": 1}
    assert await counted(admin, at="2026-06-01T14:30:00Z") == {}
    assert read(await admin.get("projects/current/rollbacks"))["items"] == []


async def test_that_a_component_is_gone_may_come_late(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    clock.advance(hours=5)
    await report(http, demo, 5, record(0, {"version": "A"}), record(4, {"version": "A"}))

    for _ in range(2):  # a retry changes nothing
        await report(http, demo, 5, record(2, GONE))

    assert await modem(http, demo) == [("A", "14:00"), ("A", None)]


async def test_an_error_alone_says_nothing(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    await report(http, demo, 0, record(0, {"version": "A"}))
    clock.advance(hours=2)

    (receipt,) = await report(http, demo, 2, record(2, {"error": "no answer"}))

    assert receipt["outcome"] is None
    assert await modem(http, demo) == [("A", None)]


async def test_a_component_that_was_never_there_is_in_no_history(http: httpx.AsyncClient, demo: Demo) -> None:
    (receipt,) = await report(http, demo, 0, record(0, GONE))

    assert receipt["outcome"] == "opened"
    assert await modem(http, demo) == []


async def test_gone_beside_a_version_refuses_the_record(http: httpx.AsyncClient, demo: Demo) -> None:
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    body = {"sent": reading(0), "records": [record(0, {"version": "A", "gone": True})]}

    (receipt,) = read(await http.post(path, auth=demo.device_key, json=body))["records"]

    assert [error["pointer"] for error in receipt["errors"]] == ["/records/0/components/1/gone"]


async def test_the_feed_tells_that_a_component_is_gone(admin: Caller, demo_of_a_lost_modem: Demo) -> None:
    changes = read(await admin.get("projects/current/firmware_changes", component="modem"))["items"]

    assert [(one["kind"], one["previous_version"], one["version"]) for one in changes] == [
        ("opened", None, "A"),
        ("opened", "A", None),
    ]


async def test_a_device_whose_component_is_gone_has_no_version_to_comply_with(
    admin: Caller, demo: Demo, http: httpx.AsyncClient, clock: Clock
) -> None:
    made(await admin.post("projects/current/desired_versions", {"component": "modem", "versions": ["A"]}))
    await report(http, demo, 0, record(0, {"version": "A"}))
    clock.advance(hours=2)
    await report(http, demo, 2, record(2, GONE))
    clock.advance(hours=2)
    await report(http, demo, 4, record(4, {"version": "B"}))

    counts = ("on_accepted_version", "on_other_version", "without_version")
    for at, expected in (("13:00", (1, 0, 0)), ("15:00", (0, 0, 1)), ("16:00", (0, 1, 0))):
        (item,) = read(await admin.get("projects/current/compliance", at=f"2026-06-01T{at}:00Z"))["items"]
        assert tuple(item[count] for count in counts) == expected


async def test_an_export_holds_the_end_of_a_gone_components_period(
    http: httpx.AsyncClient, demo_of_a_lost_modem: Demo
) -> None:
    exported = await export(http, demo_of_a_lost_modem, NDJSON_TYPE)

    rows = [(one["component"], one["version"], one["superseded_at"]) for one in exported.rows]
    assert sorted(rows, key=str) == [("main", "1", None), ("modem", "A", "2026-06-01T14:00:00.000000Z")]


async def test_derived_tables_agree_that_a_component_is_gone(database_url: str, demo_of_a_lost_modem: Demo) -> None:
    async with open_site(database_url) as site:
        assert (await compare(site.database, repair=False)).differences == {}
        await site.rows(
            "insert into device_versions (project_id, component, device_id, version, since)"
            " select project_id, 'modem', id, 'A', now() from devices where id = %s",
            demo_of_a_lost_modem.device_id,
        )

        assert (await compare(site.database, repair=True)).repaired == 1
        assert (await compare(site.database, repair=False)).differences == {}


@pytest.mark.parametrize("table", ["device_firmware_periods", "device_firmware"])
def test_statements_that_show_periods_leave_out_those_of_gone_components(table: str) -> None:
    shows = {
        statement.name
        for statement in find_statements()
        if statement.is_query and f" {table}\n" in statement.source.text and "version" in statement.source.text
    }
    filtered = {one.name for one in find_statements() if re.search("version (<>|=) ''", one.source.text)}

    assert shows - filtered - OF_ALL_PERIODS - OF_NAMED_VERSIONS == set()
