"""A real browser before a real server. `./dev browser` runs these tests; without one they are skipped, and say so.

The browser is the system's Chromium: FIRMTRAIL_BROWSER names another.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import AsyncGenerator

import attrs
import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import Server, serving
from tests.server.callers import PASSWORD, Caller, key_of, made, new_user

PROGRAM = os.environ.get("FIRMTRAIL_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
]
EMAIL = "mara@example.com"
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
MARKUP = """<script>alert(1)</script>"><img src=x onerror=alert(2)>"""


def ago(days: float) -> str:
    return (NOW - dt.timedelta(days=days)).isoformat().replace("+00:00", "Z")


@attrs.frozen
class Fleet:
    """Three pumps with a past: two went to 1.5.0 40 and 20 days ago, and one stayed."""

    user: Caller
    project: str
    devices: dict[str, str]
    webhook: str

    @property
    def path(self) -> str:
        return f"/projects/{self.project}"


@attrs.frozen
class Tab:
    """A page of the browser, and what went wrong in it."""

    page: Page
    url: str
    problems: list[str]

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def sign_in(self, email: str = EMAIL) -> None:
        await self.open("/sign-in")
        await self.page.get_by_label("E-mail address").fill(email)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url("**/projects")


@pytest.fixture
async def server(database_url: str) -> AsyncGenerator[Server]:
    async with serving(create_app(Settings(password_cost=4), database_url)) as server:
        # what the empty state tells a device: where this server listens
        object.__setattr__(server.services.tokens, "issuer", server.url)
        yield server


@pytest.fixture
async def http(server: Server) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


@pytest.fixture
async def user(http: httpx.AsyncClient) -> Caller:
    return await new_user(http, EMAIL, name="Mara")


@pytest.fixture
async def fleet(user: Caller) -> Fleet:
    project = made(await user.post("projects", {"name": "Pumps"}))["id"]
    pasts = {
        "pump-1": [("1.4.2", 90), ("1.5.0", 40)],
        "pump-2": [("1.4.2", 90), ("1.5.0", 20)],
        "pump-3": [("1.4.2", 80)],
    }
    devices = {name: await device(user, project, name, past) for name, past in pasts.items()}
    made(await user.post(f"projects/{project}/desired_versions", {"versions": ["1.5.0"]}))
    webhook = made(
        await user.post(f"projects/{project}/webhooks", {"url": "https://example.com/", "kinds": ["opened"]})
    )
    return Fleet(user, project, devices, webhook["id"])


async def device(user: Caller, project: str, name: str, past: list[tuple[str, int]]) -> str:
    """Register a device that reported each version so many days ago; return its id."""
    made_device = made(await user.post(f"projects/{project}/devices", {"name": name, "labels": {"site": "berlin"}}))
    key = Caller(user.http, key_of(made(await user.post(f"devices/{made_device['id']}/api_keys", {}))))
    for version, days in past:
        report = {"version": version, "observed_at": ago(days), "strict": True}
        assert (await key.post(f"devices/{made_device['id']}/firmware_version", report)).is_success
    return made_device["id"]


@pytest.fixture
async def chromium() -> AsyncGenerator[Browser]:
    if PROGRAM is None:
        pytest.skip("needs Chromium: apt-get install chromium, or FIRMTRAIL_BROWSER")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def tab(chromium: Browser, server: Server) -> AsyncGenerator[Tab]:
    """A tab of a laptop. Whatever the console complains of fails the test."""
    async for tab in opened(await chromium.new_context(viewport={"width": 1280, "height": 900}), server):
        yield tab


async def opened(context: BrowserContext, server: Server) -> AsyncGenerator[Tab]:
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            problems.append(message.text)

    def fail(error: Error) -> None:
        problems.append(str(error))

    page = await context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", note)
    page.on("pageerror", fail)
    yield Tab(page, server.url, problems)
    await context.close()
    assert problems == []
