"""The recipes of `docs/integrations.md`, run as they stand."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from firmtrail.cli.commands import parser
from tests.sdk.test_readmes import examples, output_of
from tests.served import Server
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
