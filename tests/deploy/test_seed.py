"""deploy/compose/seed.py and history.py, run as the containers run them, against a real server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import attrs
import pytest

import firmtrail
from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving


@attrs.frozen
class Outcome:
    exit_code: int
    output: str


Run = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def url(database_url: str) -> AsyncGenerator[str]:
    async with serving(create_app(Settings(seed_enabled=True), database_url)) as server:
        yield server.url


@pytest.fixture
def run(root: Path, tmp_path: Path, url: str) -> Run:
    """Run a program as a user whose home is the test's folder; server and program share one event loop."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FIRMTRAIL_", "XDG_"))}

    async def run(*command: str | Path, **environment: str) -> Outcome:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command),
            env=inherited | {"HOME": str(tmp_path)} | environment,
            cwd=root / "deploy/compose",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return Outcome(process.returncode, output.decode())

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "agent"


@pytest.fixture
async def seeded(run: Run, url: str, folder: Path) -> Outcome:
    return await run("seed.py", folder, FIRMTRAIL_URL=url)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_every_file_is_for_its_owner_alone(seeded: Outcome, tmp_path: Path) -> None:
    assert seeded.exit_code == 0, seeded.output
    files = files_below(tmp_path)
    assert sorted(path.name for path in files) == ["api-key", "config.toml", "config.toml", "demo-device", "version"]
    assert [path for path in files if path.stat().st_mode & 0o077] == []


async def test_no_secret_is_printed(seeded: Outcome, folder: Path) -> None:
    secret = (folder / "api-key").read_text().strip().partition(":")[2]
    assert secret
    assert secret not in seeded.output
    assert "ftp_" not in seeded.output


async def test_the_second_time_nothing_is_made(seeded: Outcome, run: Run, url: str, folder: Path) -> None:
    key = (folder / "api-key").read_text()
    again = await run("seed.py", folder, FIRMTRAIL_URL=url)
    assert again.exit_code == 0
    assert (folder / "api-key").read_text() == key


async def test_the_agent_reports_with_what_it_was_given(seeded: Outcome, run: Run, folder: Path) -> None:
    reported = await run("-m", "firmtrail_agent", "--config", folder / "config.toml", "report", "--once")
    assert reported.exit_code == 0, reported.output


async def test_a_member_reads_the_history(seeded: Outcome, run: Run, url: str, folder: Path, tmp_path: Path) -> None:
    device_id = (tmp_path / ".config/firmtrail/demo-device").read_text().strip()
    async with firmtrail.AsyncClient(url, api_key=(folder / "api-key").read_text()) as device:
        await device.firmware.report(device_id, "1.4.2")
    history = await run("history.py")
    assert (history.exit_code, history.output.split()[:2]) == (0, ["main", "1.4.2"]), history.output
