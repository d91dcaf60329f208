"""What people do in a browser: sign in, move through time, look at devices, with a mouse, keys alone, or no script."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe  # pyright: ignore[reportMissingTypeStubs]
from playwright.async_api import Browser, Page, expect

from firmtrail_server.pages.views import device as device_page
from tests.browser.conftest import MARKUP, Fleet, Tab, ago, device, opened
from tests.served import Server
from tests.server.callers import Caller, made, read

WIDTHS = [390, 1280, 2560]
SETTINGS = ["settings", "members", "keys", "desired_versions", "webhooks", "audit"]


async def set_range(page: Page, part: float) -> str:
    """Drag the time bar to a part of its length; return the moment that it names."""
    script = """(bar, part) => { bar.value = Math.round(part * bar.max); bar.dispatchEvent(new Event("input")); }"""
    before = await page.locator("#state").element_handle()
    await page.locator("#time-range").evaluate(script, part)
    await page.wait_for_function("before => !before.isConnected", arg=before)  # another one has taken its place
    await expect(page).to_have_url(re.compile(r"at="))
    return str(await page.evaluate("new URL(location.href).searchParams.get('at')"))


async def shown_versions(page: Page) -> dict[str, int]:
    rows = await page.locator("table.versions tbody tr").all()
    cells = [await row.locator("td").all_inner_texts() for row in rows]
    return {version.strip(): int(devices) for version, devices, *_ in cells}


async def counted(fleet: Fleet, at: str) -> dict[str, int]:
    answer = read(await fleet.user.get(f"projects/{fleet.project}/firmware_versions", at=at))
    return {one["version"]: one["devices"] for one in answer["items"]}


async def test_the_time_bar_shows_what_the_api_answers(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.page.get_by_role("link", name="Pumps", exact=True).click()
    assert await shown_versions(tab.page) == {"1.5.0": 2, "1.4.2": 1}

    for part, expected in [(0.3, {"1.4.2": 3}), (0.7, {"1.5.0": 1, "1.4.2": 2}), (0.05, {"1.4.2": 2})]:
        at = await set_range(tab.page, part)
        assert await shown_versions(tab.page) == expected == await counted(fleet, at)


async def test_a_url_with_a_moment_opens_at_that_moment(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(fleet.path)
    await set_range(tab.page, 0.7)
    shown = await shown_versions(tab.page)

    await tab.page.reload()

    assert await shown_versions(tab.page) == shown
    await tab.page.get_by_role("link", name="Devices", exact=True).first.click()
    await expect(tab.page.locator(".moment")).to_contain_text("As of")


async def test_a_figure_leads_to_the_devices_behind_it(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(fleet.path)
    await set_range(tab.page, 0.7)

    await tab.page.locator("table.versions").get_by_role("link", name="1.5.0").click()

    await expect(tab.page.locator("table.devices tbody tr")).to_have_count(1)
    await expect(tab.page.locator("table.devices")).to_contain_text("pump-1")


async def test_a_team_gets_from_sign_up_to_a_reporting_device(tab: Tab, server: Server) -> None:
    page = tab.page
    await tab.open("/")
    await page.get_by_role("link", name="Sign up").click()
    await page.get_by_label("Name").fill("Mara")
    await page.get_by_label("E-mail address").fill("mara@example.com")
    await page.get_by_label("Password").fill("correct horse battery")
    await page.get_by_role("button", name="Sign up").click()
    await tab.sign_in("mara@example.com")
    await page.get_by_label("Name").fill("Pumps in the field")
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_label("Its name").fill("pump-1")
    await page.get_by_role("button", name="Register").click()

    lines = await page.locator("pre").first.inner_text()
    key = re.findall(r"-u '([^:]+):([^']+)'", lines)[0]
    url = re.findall(r"(http://\S+)", lines)[0]
    assert url.startswith(server.url)
    async with httpx.AsyncClient(auth=key) as client:
        made(await client.post(url, json={"version": "1.0.0"}))

    await expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    assert await shown_versions(page) == {"1.0.0": 1}


async def test_keys_alone_go_everywhere(tab: Tab, fleet: Fleet) -> None:
    page = tab.page
    await tab.open("/sign-in")
    await page.keyboard.type("mara@example.com")
    await page.keyboard.press("Tab")
    await page.keyboard.type("correct horse battery")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/projects")
    await tab.open(fleet.path)

    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.name") == "labels"
    await page.locator("#time-range").focus()
    for _ in range(30):
        await page.keyboard.press("ArrowLeft")
    await expect(page).to_have_url(re.compile(r"at="))
    await page.keyboard.press("End")
    await expect(page).not_to_have_url(re.compile(r"at="))


async def test_a_timeline_tells_its_moments_to_mouse_and_keys(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(f"/devices/{fleet.devices['pump-1']}")
    bars = tab.page.locator(".lane a")
    readout = tab.page.locator(".readout")

    await bars.first.hover()
    await expect(readout).to_contain_text("1.4.2")
    await bars.last.focus()
    await expect(readout).to_contain_text("1.5.0")
    await expect(readout).to_contain_text("imported")


async def test_a_long_history_opens_at_its_newest_and_follows_the_bar(
    tab: Tab, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_page, "MOST_PERIODS", 1)
    await tab.sign_in()
    await tab.open(f"/devices/{fleet.devices['pump-1']}")
    version = tab.page.locator('tr[id^="p-"] td:nth-child(2)')
    await expect(version).to_have_text("1.5.0")

    await set_range(tab.page, 0.05)
    await expect(version).to_have_text("1.4.2")
    await tab.page.get_by_role("link", name="Newest periods").click()
    await expect(version).to_have_text("1.5.0")
    await tab.page.get_by_role("link", name="Older periods").click()
    await expect(version).to_have_text("1.4.2")


async def test_the_chart_begins_where_the_time_bar_does(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(fleet.path)

    script = "areas => Math.min(...areas.map(area => area.getBBox().x))"
    assert await tab.page.locator("path.area").evaluate_all(script) < 1  # of 1,000


async def test_without_javascript_everything_is_there(chromium: Browser, server: Server, fleet: Fleet) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    async for tab in opened(context, server):
        await tab.sign_in()
        await tab.open(fleet.path)
        day = (dt.datetime.now(dt.UTC) - dt.timedelta(days=30)).date()
        await tab.page.get_by_label("Date").fill(day.isoformat())
        await tab.page.get_by_role("button", name="Show").click()

        assert await shown_versions(tab.page) == await counted(fleet, day.isoformat()) == {"1.5.0": 1, "1.4.2": 2}
        await tab.page.get_by_role("link", name="Devices", exact=True).first.click()
        await tab.page.get_by_role("link", name="pump-2").click()
        await expect(tab.page.locator("tr[id^=p-]")).to_have_count(2)
        await tab.page.get_by_role("button", name="Sign out").click()
        await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("width", WIDTHS)
async def test_no_page_is_wider_than_its_window(chromium: Browser, server: Server, fleet: Fleet, width: int) -> None:
    context = await chromium.new_context(viewport={"width": width, "height": 844})
    async for tab in opened(context, server):
        await tab.sign_in()
        for path in all_pages(fleet):
            await tab.open(path)
            await open_details(tab.page)
            assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_to_complain_of(chromium: Browser, server: Server, fleet: Fleet, scheme: str) -> None:
    empty = made(await fleet.user.post("projects", {"name": "New"}))["id"]
    context = await chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    async for tab in opened(context, server):
        for path in ("/sign-in", "/sign-up", "/forgotten-password", "/new-password", "/invitation"):
            await tab.open(path)
            assert await violations(tab.page) == []
        await tab.sign_in()
        for path in [*all_pages(fleet), f"/projects/{empty}"]:
            await tab.open(path)
            await open_details(tab.page)
            assert await violations(tab.page) == [], path


async def test_markup_in_every_field_does_nothing(tab: Tab, user: Caller) -> None:
    project = made(await user.post("projects", {"name": MARKUP}))["id"]
    pump = await device(user, project, MARKUP, [(MARKUP, 3), (f"{MARKUP}2", 1)])
    await user.patch(f"devices/{pump}", {"labels": {"site": MARKUP}})
    made(await user.post(f"projects/{project}/desired_versions", {"versions": [MARKUP], "labels": {"site": MARKUP}}))
    made(await user.post(f"devices/{pump}/api_keys", {"label": MARKUP}))
    made(await user.post(f"projects/{project}/api_keys", {"role": "viewer", "label": MARKUP}))
    terms = {"label": MARKUP, "max_uses": 1, "expires_at": ago(-9), "labels": {"site": MARKUP}}
    made(await user.post(f"projects/{project}/enrollment_keys", terms))
    made(await user.post(f"projects/{project}/webhooks", {"url": "https://example.com/", "label": MARKUP}))
    await user.patch("users/me", {"name": MARKUP})
    settings = [f"/projects/{project}/{name}" for name in SETTINGS]
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await tab.sign_in()

    for path in (
        "/projects",
        f"/projects/{project}",
        f"/projects/{project}/devices",
        f"/devices/{pump}",
        "/me",
        *settings,
    ):
        await tab.open(path)
        await expect(tab.page.locator("main")).to_contain_text("<img src=x onerror=alert(2)>")
        assert await tab.page.locator("img").count() == 0
        await tab.page.reload()

    assert dialogs == []


def all_pages(fleet: Fleet) -> list[str]:
    at = (dt.datetime.now(dt.UTC) - dt.timedelta(days=30)).date().isoformat()
    pump = f"/devices/{fleet.devices['pump-1']}"
    hook = f"{fleet.path}/webhooks/{fleet.webhook}"
    pages = [fleet.path, f"{fleet.path}/devices", f"{fleet.path}/adoption", f"{fleet.path}/compliance", pump]
    settings = [f"{fleet.path}/{name}" for name in SETTINGS]
    return ["/projects", "/me", hook, *settings, *pages, *(f"{path}?at={at}" for path in pages)]


async def open_details(page: Page) -> None:
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


async def violations(page: Page) -> list[str]:
    found: Any = await Axe().run(page)  # pyright: ignore[reportUnknownMemberType]  it has no types
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found.response["violations"]]
