"""A browser before the pages, and what it looks at."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.served import Server
from tests.server.browser import Browser
from tests.server.callers import Caller, key_of, made, new_user

EMAIL = "mara@example.com"
MARKUP = """<script>alert(1)</script>"><img src=x onerror=alert(2)>'&amp;"""
REPORTS = [("1.4.2", "2026-03-01"), ("1.5.0", "2026-05-10"), ("1.4.2", "2026-05-20"), ("1.5.0", "2026-05-29")]


@pytest.fixture
async def browser(server: Server) -> AsyncGenerator[Browser]:
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield Browser(http)


@pytest.fixture
async def stranger(server: Server) -> AsyncGenerator[Browser]:
    """A browser in which nobody is signed in."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield Browser(http)


@pytest.fixture
async def mara(http: httpx.AsyncClient, browser: Browser) -> Caller:
    """A user, who is signed in in the browser."""
    user = await new_user(http, EMAIL, name="Mara")
    await browser.sign_in(EMAIL)
    return user


@pytest.fixture
async def project(mara: Caller) -> str:
    return made(await mara.post("projects", {"name": "Pumps"}))["id"]


@pytest.fixture
async def fleet(mara: Caller) -> str:
    """The path of a project whose only device has a past."""
    project = made(await mara.post("projects", {"name": "Pumps"}))["id"]
    await reporting(mara, project, "pump-1", REPORTS)
    return f"/projects/{project}"


async def reporting(user: Caller, project: str, name: str, reports: list[tuple[str, str]], **labels: str) -> str:
    """Register a device that has reported; return its id."""
    device = made(await user.post(f"projects/{project}/devices", {"name": name, "labels": labels}))["id"]
    key = Caller(user.http, key_of(made(await user.post(f"devices/{device}/api_keys", {}))))
    for version, day in reports:
        report = {"version": version, "observed_at": f"{day}T08:00:00Z", "strict": True}
        assert (await key.post(f"devices/{device}/firmware_version", report)).is_success
    return device
