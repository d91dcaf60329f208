"""An export and the feed of changes after it: together they are what the fleet ran, however long the export took."""

from __future__ import annotations

import httpx
import pytest

from firmtrail_contract import NDJSON_TYPE
from tests.server.callers import Caller, read
from tests.server.conftest import Demo
from tests.server.exporting import FORMATS, export

_FEED = "projects/current/firmware_changes"


async def report(http: httpx.AsyncClient, demo: Demo, version: str) -> None:
    (await http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


@pytest.mark.parametrize("media_type", FORMATS)
async def test_the_feed_goes_on_where_an_export_began(
    http: httpx.AsyncClient, demo: Demo, admin: Caller, media_type: str
) -> None:
    await report(http, demo, "1.0")
    exported = await export(http, demo, media_type, resumable="true")
    await report(http, demo, "2.0")

    number = exported.records[0]["start"]["feed_number"]
    changes = read(await admin.get(_FEED, after=str(number)))["items"]
    assert [row["version"] for row in exported.rows] == ["1.0"]
    assert [(change["kind"], change["version"]) for change in changes] == [("opened", "2.0")]


async def test_what_is_exported_is_before_the_number_or_in_the_feed(
    http: httpx.AsyncClient, demo: Demo, admin: Caller
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        await report(http, demo, version)
    exported = await export(http, demo, NDJSON_TYPE)

    number = exported.records[0]["start"]["feed_number"]
    before = [change["period_id"] for change in read(await admin.get(_FEED))["items"] if change["number"] <= number]
    assert sorted(before) == sorted(row["period_id"] for row in exported.rows)


@pytest.mark.parametrize("query", [{"at": "2026-05-03"}, {"since": "2026-05-03"}, {"until": "2026-05-03"}])
async def test_an_export_of_the_past_has_no_number(http: httpx.AsyncClient, demo: Demo, query: dict[str, str]) -> None:
    exported = await export(http, demo, NDJSON_TYPE, **query)

    assert exported.records[0]["start"]["feed_number"] is None
