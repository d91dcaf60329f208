"""Pages that stay fresh by themselves: over the stream of changes, and without it."""

from __future__ import annotations

from playwright.async_api import Route, expect

from tests.browser.conftest import Fleet, Tab
from tests.server.callers import Caller, key_of, made


async def report(fleet: Fleet, name: str, version: str) -> None:
    device = fleet.devices[name]
    key = Caller(fleet.user.http, key_of(made(await fleet.user.post(f"devices/{device}/api_keys", {}))))
    made(await key.post(f"devices/{device}/firmware_version", {"version": version}))


async def test_a_change_is_shown_when_the_stream_tells_of_it(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(fleet.path)

    await report(fleet, "pump-3", "1.6.0")

    await expect(tab.page.locator("table.versions")).to_contain_text("1.6.0", timeout=10_000)


async def test_without_a_stream_the_page_asks_all_the_same(tab: Tab, fleet: Fleet) -> None:
    async def end(route: Route) -> None:
        await route.fulfill(status=204)

    await tab.page.route("**/changes*", end)
    await tab.page.clock.install()
    await tab.sign_in()
    await tab.open(fleet.path)
    await report(fleet, "pump-3", "1.6.0")

    await tab.page.clock.fast_forward(20_000)

    await expect(tab.page.locator("table.versions")).to_contain_text("1.6.0")


async def test_a_device_is_fresh_when_it_has_changed(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(f"/devices/{fleet.devices['pump-3']}")

    await report(fleet, "pump-3", "1.6.0")

    await expect(tab.page.locator(".tile .figure")).to_contain_text("1.6.0", timeout=10_000)


async def test_who_signs_out_elsewhere_is_led_to_sign_in(tab: Tab, fleet: Fleet) -> None:
    await tab.sign_in()
    await tab.open(fleet.path)
    other = await tab.page.context.new_page()
    await other.goto(f"{tab.url}/projects")

    await other.get_by_role("button", name="Sign out").click()

    await tab.page.wait_for_url("**/sign-in*", timeout=30_000)
