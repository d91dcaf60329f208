"""An export that goes on with the feed: whatever ends it, and in the middle of which byte, the file is gone on with."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from firmtrail import AsyncClient, Client, ConfigError, GoneError
from firmtrail_server.exports import exporter as exports
from tests.sdk.shell import Shell
from tests.served import Server
from tests.server.conftest import Demo
from tests.server.exporting import fill

PATIENCE_SECONDS = 60


@pytest.fixture
def key(demo: Demo) -> str:
    return ":".join(demo.project_key)


async def report(http: httpx.AsyncClient, demo: Demo, *versions: str) -> None:
    for version in versions:
        (await http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


async def follow(server: Server, key: str, file: Path, count: int, **filters: Any) -> list[str | None]:
    """Follow as far as so many changes."""
    versions: list[str | None] = []
    async with (
        AsyncClient(server.url, api_key=key) as client,
        asyncio.timeout(PATIENCE_SECONDS),
        aclosing(client.firmware_history.follow(file, **filters)) as changes,
    ):
        async for change in changes:
            versions.append(change.version)
            if len(versions) == count:
                break
    return versions


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def numbers_in(file: Path) -> list[int]:
    return [line["number"] for line in lines_of(file) if "kind" in line]


async def test_changes_follow_the_rows(
    server: Server, http: httpx.AsyncClient, demo: Demo, key: str, tmp_path: Path
) -> None:
    await report(http, demo, "1", "2")
    following = asyncio.create_task(follow(server, key, tmp_path / "h.ndjson", 2))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (tmp_path / "h.ndjson").exists():  # noqa: ASYNC110  a file tells nobody
            await asyncio.sleep(0.02)
    await report(http, demo, "3", "4")

    assert await following == ["3", "4"]
    lines = lines_of(tmp_path / "h.ndjson")
    assert [line.get("version") for line in lines] == ["1", "2", None, "3", "4"]
    assert lines[2] == {"last_number": 2}
    assert [line["kind"] for line in lines[3:]] == ["opened", "opened"]


async def test_a_file_that_was_cut_at_any_byte_goes_on_without_gap_or_repeat(
    server: Server, http: httpx.AsyncClient, demo: Demo, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "h.ndjson"
    await follow_from_nothing(server, http, demo, key, file)
    whole = file.read_bytes()
    first = whole.index(b'"last_number"')
    ends_of_position = whole.index(b"\n", first) + 1
    for place in [ends_of_position, len(whole) - 1, *random.sample(range(ends_of_position, len(whole) - 1), 8)]:
        file.write_bytes(whole[:place])
        missing = 6 - whole[:place].count(b'"kind"', 0, whole.rfind(b"\n", 0, place))
        await follow(server, key, file, missing)

        assert file.read_bytes() == whole, place


async def follow_from_nothing(server: Server, http: httpx.AsyncClient, demo: Demo, key: str, file: Path) -> None:
    """An empty project's export, and six changes after it."""
    following = asyncio.create_task(follow(server, key, file, 6))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not file.exists():  # noqa: ASYNC110, ASYNC240  a file tells nobody
            await asyncio.sleep(0.02)
    await report(http, demo, *map(str, range(6)))
    await following


async def test_a_command_that_is_killed_goes_on_where_it_was(  # noqa: PLR0913, PLR0917  a command and a server
    server: Server,
    http: httpx.AsyncClient,
    demo: Demo,
    key: str,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exports, "DEVICES_OF_A_STRETCH", (4, 4))
    fill(database_url, demo, devices=40, periods=10)
    file = tmp_path / "h.ndjson"
    reported = 0
    for _ in range(3):
        command = [Path(sys.executable).with_name("firmtrail"), "export", str(file), "--follow"]
        environment = {"FIRMTRAIL_URL": server.url, "FIRMTRAIL_API_KEY": key, "HOME": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=subprocess.DEVNULL)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not file.exists() or len(opened_in_whole_lines(file)) < reported:  # noqa: ASYNC110  a file tells nobody
                await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        reported += 1
        await report(http, demo, f"new {reported}")

    await follow(server, key, file, reported - len(opened_in_whole_lines(file)))

    assert opened_in_whole_lines(file) == ["new 1", "new 2", "new 3"]
    numbers = numbers_in(file)
    assert numbers == [*range(numbers[0], numbers[0] + len(numbers))]
    rows = [line for line in lines_of(file) if "device_name" in line]
    assert len(rows) == len({row["period_id"] for row in rows}) == 40 * 11


def opened_in_whole_lines(file: Path) -> list[str]:
    """The versions that were opened. The devices that were filled in may fall silent meanwhile, which is told too."""
    whole = file.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line)["version"] for line in whole.splitlines() if b'"opened"' in line]


async def test_the_sync_client_follows_as_well(
    server: Server, http: httpx.AsyncClient, demo: Demo, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "h.ndjson"
    file.write_bytes(b'{"last_number": 0}\n')
    await report(http, demo, "1", "2")

    def use() -> list[str | None]:
        with Client(server.url, api_key=key) as client, closing(client.firmware_history.follow(file)) as changes:
            return [next(changes).version for _ in range(2)]

    assert await asyncio.to_thread(use) == ["1", "2"]
    assert numbers_in(file) == [1, 2]


async def test_a_file_that_was_not_made_to_be_followed_is_left_alone(
    server: Server, demo: Demo, key: str, tmp_path: Path
) -> None:
    file = tmp_path / "h.ndjson"
    file.write_bytes(b'{"device_id":"1"}\nhalf')

    with pytest.raises(ConfigError, match="not made to be followed"):
        await follow(server, key, file, 1)
    assert demo.project_id
    assert file.read_bytes() == b'{"device_id":"1"}\nhalf'


async def test_changes_that_are_not_kept_say_so(server: Server, demo: Demo, key: str, tmp_path: Path) -> None:
    (tmp_path / "h.ndjson").write_bytes(b'{"last_number": 7}\n')

    with pytest.raises(GoneError):
        await follow(server, key, tmp_path / "h.ndjson", 1)
    assert demo.project_id


@pytest.mark.parametrize("name", ["h.csv", "h.ndjson.gz", "h.ndjson.zst", "h.parquet", "h.arrow", "h"])
async def test_other_formats_have_no_place_for_changes(
    server: Server, demo: Demo, key: str, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match="only"):
        await follow(server, key, tmp_path / name, 1)
    assert demo.project_id
    assert names_in(tmp_path) == []


async def test_the_command_refuses_what_goes_not_together(
    server: Server, key: str, shell: Shell, tmp_path: Path
) -> None:
    shell.monkeypatch.setenv("FIRMTRAIL_URL", server.url)
    shell.monkeypatch.setenv("FIRMTRAIL_API_KEY", key)

    refused = await shell("export", str(tmp_path / "h.ndjson"), "--follow", "--at", "2026-05-03", code=78)

    assert "--at" in refused
