"""The recipes of `docs/integrations.md`, run as they stand."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import shutil
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from firmtrail.cli.commands import parser
from tests.sdk.documentation.test_readmes import examples, output_of
from tests.served import Server
from tests.server.callers import Caller, all_pages, made
from tests.server.conftest import Demo
from tests.server.exporting import fill

PAGE = "docs/integrations.md"
#: what waits for changes until it is interrupted
ENDLESS = ("--follow", "text/event-stream")
parquet: Any = import_module("pyarrow.parquet")


async def run(program: str, script: str, server: Server, demo: Demo, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"FIRMTRAIL_URL": server.url, "FIRMTRAIL_API_KEY": ":".join(demo.project_key)}
    moved = f"cd {folder}\nset -eu\n{script}" if program == "sh" else f"import os; os.chdir({str(folder)!r})\n{script}"
    return await output_of(program, moved, server, PATH=path, HOME=str(folder), **own)


async def test_a_nightly_parquet_replaces_that_of_yesterday(
    server: Server, demo: Demo, database_url: str, tmp_path: Path
) -> None:
    fill(database_url, demo, devices=3, periods=4)
    (tmp_path / "history.parquet").write_bytes(b"that of yesterday")

    (script,) = [script for script in examples(PAGE, "python") if "history.parquet" in script]
    said = await run(sys.executable, script, server, demo, tmp_path)

    assert said == "15 version periods\n"
    assert parquet.read_table(tmp_path / "history.parquet").num_rows == 15


@pytest.fixture
def admin(http: httpx.AsyncClient, demo: Demo) -> Caller:
    return Caller(http, demo.project_key)


async def test_a_fleet_in_sqlite_stays_equal_to_the_server(
    admin: Caller, server: Server, demo: Demo, tmp_path: Path
) -> None:
    (script,) = [script for script in examples(PAGE, "python") if "sqlite3" in script]
    doomed = made(await admin.post("projects/current/devices", {"name": "doomed"}))["id"]
    key = made(await admin.post(f"devices/{doomed}/api_keys", {}))

    async def report(version: str, day: int, *, device: str = demo.device_id, component: str = "main") -> None:
        credential = demo.device_key if device == demo.device_id else (key["id"], key["secret"])
        body = {"version": version, "component": component, "observed_at": f"2026-01-{day:02}T12:00:00.25Z"}
        path = f"/v1/devices/{device}/firmware_version"
        (await admin.http.post(path, json=body, auth=credential)).raise_for_status()

    async def is_equal() -> bool:
        await run(sys.executable, script, server, demo, tmp_path)
        return in_sqlite(tmp_path / "fleet.sqlite") == await on_the_server(admin)

    await report("1", 1)
    await report("3", 9)
    await report("same moment", 9)
    await report("1", 2, device=doomed)
    assert await is_equal()

    await report("2", 5)  # late, between two periods
    await report("0", 1, component="modem")
    await report("4", 20)
    await report("1", 6)
    await report("5", 11)  # late, within a period
    assert await is_equal()

    (await admin.delete(f"devices/{doomed}")).raise_for_status()
    assert await is_equal()
    assert await is_equal()
    assert len(in_sqlite(tmp_path / "fleet.sqlite")) > 6


def in_sqlite(file: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as db:
        return sorted(db.execute("select device_id, component, version, begins, ends from history"))


async def on_the_server(admin: Caller) -> list[tuple[str, ...]]:
    """Every device's history, read one by one."""

    def moment(text: str | None) -> str:
        return "now" if text is None else str(dt.datetime.fromisoformat(text))

    rows: list[tuple[str, ...]] = []
    for device in await all_pages(admin, "projects/current/devices"):
        for one in await all_pages(admin, f"devices/{device['id']}/firmware_version"):
            ends = moment(one["superseded_at"])
            rows.append((device["id"], one["component"], one["version"], moment(one["first_reported_at"]), ends))
    return sorted(rows)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_every_command_that_ends_runs(server: Server, demo: Demo, database_url: str, tmp_path: Path) -> None:
    fill(database_url, demo, devices=3, periods=4)

    for script in examples(PAGE, "sh"):
        if not any(word in script for word in ENDLESS):
            await run("sh", script, server, demo, tmp_path)

    assert len((tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()) == 1 + 15
    assert parquet.read_table(tmp_path / "history.parquet").num_rows == 15
    assert (tmp_path / "history.ndjson").exists()


def test_the_commands_that_follow_the_feed_are_taken() -> None:
    lines = [line for script in examples(PAGE, "sh") for line in script.splitlines() if "--follow" in line]

    assert len(lines) == 3
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "firmtrail"
        assert parser(words).parse(words).follow


async def test_a_program_that_follows_the_feed_stores_a_change(server: Server, demo: Demo, tmp_path: Path) -> None:
    (script,) = [script for script in examples(PAGE, "python") if "follow(" in script]
    given = f"""\
import firmtrail, sys
client, last_number = firmtrail.Client(), 0
reporting = client.with_options(api_key={":".join(demo.device_key)!r})
reporting.firmware.report({demo.device_id!r}, "1.4.2")
def store(change):
    print(change.kind, change.number)
    sys.exit()
"""

    assert await run(sys.executable, given + script, server, demo, tmp_path) == "opened 1\n"


async def test_a_program_reads_the_gaps_that_no_export_has(
    server: Server, demo: Demo, database_url: str, tmp_path: Path
) -> None:
    (script,) = [script for script in examples(PAGE, "python") if "history.gaps" in script]
    fill(database_url, demo, devices=1, periods=2)
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "insert into device_history_gaps (device_id, ended_at, project_id, records)"
            " select device_id, max(last_reported_at), project_id, 7 from device_firmware"
            " group by device_id, project_id"
        )

    given = "import firmtrail\nclient = firmtrail.Client()\n"
    told = "print([gap.records for one in gaps.values() for gap in one])"

    assert await run(sys.executable, f"{given}{script}\n{told}", server, demo, tmp_path) == "[7]\n"
