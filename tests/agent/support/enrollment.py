"""A project on the real server, and devices that enroll in it; and a power cut at a chosen moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
from aiohttp import web

from firmtrail_agent.state import identity
from firmtrail_agent.state.identity import Identity
from tests.agent.support.device import Device, Ended, ended
from tests.server.conftest import Demo

#: the agent, whose power is cut when it is about to make sure for the nth time that its identity is on the disk
_CUT = """
import os, sys
left, fsync = {left}, os.fsync
def cut(descriptor):
    global left
    left -= "/identity" in os.readlink(f"/proc/self/fd/{{descriptor}}")
    if not left:
        os._exit(9)
    fsync(descriptor)
os.fsync = cut
from firmtrail_agent.cli import main
main()
"""

#: the agent, on a disk that is full
FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
from firmtrail_agent.cli import main
main()
"""
#: the agent, on a disk that has room, and breaks when the agent makes sure that its identity is on it
BREAKING_DISK = """
import errno, os
fsync = os.fsync
def broken(descriptor):
    if "/identity" in os.readlink(f"/proc/self/fd/{descriptor}"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    fsync(descriptor)
os.fsync = broken
from firmtrail_agent.cli import main
main()
"""


@attrs.frozen(kw_only=True)
class Project:
    """What its admin can do and see."""

    url: str
    http: httpx.AsyncClient
    demo: Demo

    async def enrollment_key(self, **limits: Any) -> str:
        body = {"max_uses": 10, "expires_at": "2100-01-01T00:00:00Z", **limits}
        path = f"/v1/projects/{self.demo.project_id}/enrollment_keys"
        made = (await self.http.post(path, json=body, auth=self.demo.project_key)).raise_for_status().json()
        return f"{made['id']}:{made['secret']}"

    async def get(self, path: str) -> list[dict[str, Any]]:
        return (await self.http.get(path, auth=self.demo.project_key)).raise_for_status().json()["items"]


async def enroll(device: Device, key: str, *arguments: str, program: str | None = None) -> Ended:
    process = await device.start("enroll", "--name", "lobby", *arguments, program=program)
    assert process.stdin is not None
    process.stdin.write(key.encode())
    process.stdin.close()
    result = await ended(process)
    assert key not in result.stdout + result.stderr
    return result


def file_of(device: Device) -> Path:
    return identity.file_in(device.root / "var/lib/firmtrail-agent")


def identity_of(device: Device) -> Identity:
    mine = identity.read(file_of(device))
    assert mine is not None
    return mine


@asynccontextmanager
async def portal() -> AsyncGenerator[str]:
    """Something between a device and its server that wants a person to log in: it answers everything, with 401."""

    async def answer(_: object) -> web.Response:
        return web.Response(status=401, text="<html>Welcome to our hotel!</html>", content_type="text/html")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def cut(left: int) -> str:
    return _CUT.format(left=left)
