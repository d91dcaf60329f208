"""`firmtrail report-many`: a gateway's table, and what became of each of its rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from firmtrail.cli.commands import REFUSED, ROWS_REFUSED
from firmtrail_contract import MAX_DEVICE_REPORTS
from tests.sdk.shell import Shell
from tests.server.conftest import Demo

NOON = "2026-05-03T12:00:00Z"


@pytest.fixture
async def gateway(keyed: Shell) -> Shell:
    """A shell with the key of a gateway, in a project with a pump."""
    await keyed("devices", "create", "pump-1")
    key = await keyed("api-keys", "create", "viewer", "--reports-for-devices", "-q")
    keyed.monkeypatch.setenv("FIRMTRAIL_API_KEY", key.strip())
    return keyed


def outcomes(output: str) -> list[tuple[str, str]]:
    return [(row["device"], row["outcome"]) for row in csv.DictReader(output.splitlines())]


async def test_each_row_of_a_table_has_its_result(gateway: Shell, demo: Demo, tmp_path: Path) -> None:
    table = (
        f"device,version,component,observed_at\npump-1,1,,{NOON}\n{demo.device_id},2,modem,{NOON}\npump-1,1,,{NOON}\n"
    )
    (tmp_path / "reports.csv").write_text(table, encoding="utf-8")

    output = await gateway("report-many", str(tmp_path / "reports.csv"), "--csv")

    assert outcomes(output) == [("pump-1", "opened"), (demo.device_id, "opened"), ("pump-1", "known")]


async def test_a_row_that_is_refused_stops_no_other(gateway: Shell) -> None:
    lines = [
        json.dumps({"device": "pump-1", "version": "1", "observed_at": NOON}),
        "no JSON",
        json.dumps({"device": "nobody", "version": "1"}),
        json.dumps({"device": "pump-1", "version": ["1"], "colour": "red"}),
        json.dumps({"device": "pump-1", "version": "1", "observed_at": "2026-05-03 12:00"}),
        json.dumps({"device": "pump-1"}),
        json.dumps({"device_name": "pump-1", "version": "2", "observed_at": "2026-05-04T12:00:00Z"}),
    ]

    error = await gateway("report-many", "-", "--ndjson", told="\n".join(lines), code=ROWS_REFUSED)
    again = await gateway("report-many", "-", "--ndjson", "--csv", told="\n".join([lines[0], lines[-1]]))

    assert "7 reports: 2 stored, 5 refused" in error
    assert outcomes(again) == [("pump-1", "known"), ("pump-1", "known")]


async def test_a_table_of_many_requests_is_reported_in_its_order(gateway: Shell) -> None:
    count = MAX_DEVICE_REPORTS + 1
    table = "device,version\n" + "".join(f"pump-1,{number}\n" for number in range(count))

    output = await gateway("report-many", "-", "--csv", told=table)
    history = await gateway("history", "pump-1", "--csv")

    assert outcomes(output) == [("pump-1", "opened")] * count
    assert [row["version"] for row in csv.DictReader(history.splitlines())] == [str(number) for number in range(count)]


async def test_a_key_that_is_no_gateways_reports_for_nobody(keyed: Shell) -> None:
    error = await keyed("report-many", "-", told="device,version\npump-1,1\n", code=REFUSED)

    assert "0 reports" in error
