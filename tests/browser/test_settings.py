"""What people do in a project's settings: invite, enroll, replace a key, print; with scripts and without."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Fleet, Tab, opened
from tests.served import Server
from tests.server.callers import PASSWORD, Caller, made, read


async def code_on(page: Page) -> str:
    return await page.locator("pre code").first.inner_text()


@pytest.mark.parametrize("with_scripts", [True, False])
async def test_a_colleague_joins_and_a_device_enrolls(
    chromium: Browser, server: Server, fleet: Fleet, *, with_scripts: bool
) -> None:
    async for tab in opened(await chromium.new_context(java_script_enabled=with_scripts), server):
        page = tab.page
        await tab.sign_in()
        await tab.open(fleet.path)
        await page.get_by_role("link", name="Settings", exact=True).click()
        await page.get_by_role("link", name="Keys", exact=True).click()
        await page.get_by_label("Devices", exact=True).fill("5")
        await page.get_by_label("Labels of the devices").fill("site=bonn")
        await page.get_by_role("button", name="Make the key").last.click()
        key_id, _, secret = (await code_on(page)).strip().partition(":")
        device = {"name": "pump-9", "hardware_fingerprint": "SN-4711-0815"}
        made(await Caller(fleet.user.http, (key_id, secret)).post("enroll", device))

        await page.get_by_role("link", name="Members", exact=True).click()
        await page.get_by_role("button", name="Make an invitation").click()
        link = (await code_on(page)).strip()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(link)
        await page.get_by_role("link", name="Sign up").click()
        await page.get_by_label("Name").fill("Ben")
        await page.get_by_label("E-mail address").fill("ben@example.com")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign up").click()
        await tab.sign_in("ben@example.com")
        await tab.open(f"{fleet.path}/devices?labels=site%3Dbonn")

        await expect(page.locator("table.devices")).to_contain_text("pump-9")


async def test_keys_alone_replace_a_key_of_a_device(tab: Tab, fleet: Fleet) -> None:
    page, device = tab.page, fleet.devices["pump-1"]
    await tab.sign_in()
    await tab.open(f"/devices/{device}")

    await page.locator("summary", has_text="Change").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.name") == "overlap_seconds"
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="New API key of pump-1")).to_be_visible()

    key_id, _, secret = (await code_on(page)).strip().partition(":")
    report = {"version": "1.6.0"}
    assert (
        await Caller(fleet.user.http, (key_id, secret)).post(f"devices/{device}/firmware_version", report)
    ).is_success
    await tab.open(f"/devices/{device}")
    await expect(page.locator("main")).to_contain_text("A device has at most two keys")


async def test_a_project_is_deleted_by_typing_its_name(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(f"{fleet.path}/settings")

    await tab.page.get_by_label("to confirm").fill("Pumps")
    await tab.page.get_by_role("button", name="Delete the project").click()

    await tab.page.wait_for_url("**/projects")
    assert read(await fleet.user.get("projects"))["items"] == []


async def test_paper_has_what_is_there_and_no_forms(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.page.emulate_media(media="print")
    for path in (fleet.path, f"{fleet.path}/members", f"{fleet.path}/keys", f"/devices/{fleet.devices['pump-1']}"):
        await tab.open(path)
        for control in await tab.page.locator("form, button, input, .top nav a").all():
            assert not await control.is_visible(), path
    await tab.open(f"{fleet.path}/members")
    await expect(tab.page.get_by_role("cell", name="admin")).to_be_visible()


async def test_an_address_without_a_page_says_so(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open("/no/such/page")

    await expect(tab.page.get_by_role("heading", name="Not found")).to_be_visible()
    tab.problems.clear()  # the browser notes the status of the page itself
    await tab.page.get_by_role("link", name="To your projects").click()
    await expect(tab.page.get_by_role("heading", name="Projects")).to_be_visible()
