"""Somewhere to type the commands of `firmtrail`, run in this process against the real server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from firmtrail.cli import main
from tests.served import Server
from tests.server.conftest import Demo

ADA = "ada@example.com"
PASSWORD = "correct horse battery"


@attrs.frozen
class Shell:
    """Somewhere to type commands."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    home: Path

    @property
    def profiles(self) -> Path:
        return self.home / ".config" / "firmtrail" / "config.toml"

    async def __call__(self, *arguments: str, told: str | bytes = b"", code: int = 0) -> str:
        """Run one command, whose exit code must be this; give what it wrote, or of a failure its error."""
        output, errors = await self._run(arguments, told, code)
        return errors if code else output

    async def said(self, *arguments: str, told: str = "") -> str:
        """Run one command that succeeds; give what it said beside its output."""
        return (await self._run(arguments, told, 0))[1]

    async def fails(self, *arguments: str) -> str:
        """Run one command that fails in whatever way; give its error."""
        self.monkeypatch.setattr(sys, "stdin", io.StringIO())
        assert await asyncio.to_thread(_ended, arguments)
        return self.capsys.readouterr().err

    async def written(self, *arguments: str, code: int) -> str:
        """Run one command that ends with this code; give its output, also where it fails."""
        return (await self._run(arguments, b"", code))[0]

    async def _run(self, arguments: tuple[str, ...], told: str | bytes, code: int) -> tuple[str, str]:
        content = told.encode() if isinstance(told, str) else told
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        found = await asyncio.to_thread(_ended, arguments)
        output, errors = self.capsys.readouterr()
        assert (found, "Traceback" in errors) == (code, False), errors
        return output, errors

    async def one(self, *arguments: str, told: str = "") -> dict[str, Any]:
        return json.loads(await self(*arguments, "--json", told=told))


def _ended(arguments: tuple[str, ...]) -> int | str | None:
    try:
        return main(arguments)
    except SystemExit as ended:  # argparse's way
        return ended.code


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    for name in [name for name in os.environ if name.startswith(("FIRMTRAIL_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Shell(monkeypatch, capsys, tmp_path)


@pytest.fixture
async def ada(shell: Shell, server: Server) -> Shell:
    """A shell with Ada logged in, and her project Pumps."""
    url = server.url
    await shell("sign-up", ADA, "--name", "Ada", "--url", url, told=f"{PASSWORD}\n")
    await shell("login", ADA, "--url", url, told=f"{PASSWORD}\n")
    await shell("projects", "create", "Pumps")
    shell.monkeypatch.setenv("FIRMTRAIL_PROJECT", "Pumps")
    return shell


@pytest.fixture
def keyed(shell: Shell, server: Server, demo: Demo) -> Shell:
    """A shell with the demo project's API key."""
    shell.monkeypatch.setenv("FIRMTRAIL_URL", server.url)
    shell.monkeypatch.setenv("FIRMTRAIL_API_KEY", ":".join(demo.project_key))
    shell.monkeypatch.setenv("FIRMTRAIL_PROJECT", demo.project_id)
    return shell
