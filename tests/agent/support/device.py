"""A device on disk: its files, its configuration, its API key; and the real agent, run as a process on it."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import attrs

DEVICE_ID = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
KEY_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
SECRET = "ftd_neverShowThisToAnyone"
API_KEY = f"{KEY_ID}:{SECRET}"
#: an agent that does not end by then hangs
PATIENCE_SECONDS = 30
_OURS = ("FIRMTRAIL_", "NOTIFY_", "WATCHDOG_", "CREDENTIALS_", "JOURNAL_")


@attrs.frozen(kw_only=True)
class Ended:
    code: int
    stdout: str
    stderr: str


class Device:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.config = self.root / "etc/firmtrail-agent/config.toml"
        self.key_file = folder / "api-key"
        self.write_key(API_KEY)
        self.write("/etc/version", "1.4.2\n")

    def write(self, path: str, content: str | bytes) -> Path:
        """Write a file of the device."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def write_key(self, api_key: str) -> None:
        self.key_file.write_text(f"{api_key}\n")
        self.key_file.chmod(0o600)

    def configure(
        self, url: str, *, sources: Mapping[str, str] | None = None, device_id: str = DEVICE_ID, **report: int
    ) -> None:
        """Write the configuration; `sources` maps components to the files that hold their versions."""
        lines = ["[server]", f'url = "{url}"', "[device]", f'id = "{device_id}"', f'key_file = "{self.key_file}"']
        lines += ["[report]", "first_within_seconds = 0", *(f"{key} = {value}" for key, value in report.items())]
        for component, path in (sources or {"main": "/etc/version"}).items():
            lines += ["[[sources]]", 'type = "file"', f'component = "{component}"', f'path = "{path}"']
        self.write("/etc/firmtrail-agent/config.toml", "\n".join(lines))

    async def start(self, *arguments: str, program: str | None = None, **environment: str) -> Process:
        """Start the agent; `program` is Python to run in its place, with the agent's arguments."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        boot = {"FIRMTRAIL_AGENT_BOOT_ID": str(uuid.uuid4())}  # there is no kernel below the device's root to tell it
        what = ["-c", program] if program else ["-m", "firmtrail_agent"]
        command = [sys.executable, *what, "--root", str(self.root), *arguments]
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=clean | boot | environment
        )

    async def run(self, *arguments: str, **environment: str) -> Ended:
        return await ended(await self.start(*arguments, **environment))


async def ended(process: Process) -> Ended:
    """Wait for the end of an agent, and see that it has told nobody the secret."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    assert SECRET not in f"{stdout!r}{stderr!r}"
    return Ended(code=process.returncode, stdout=stdout.decode(), stderr=stderr.decode())
