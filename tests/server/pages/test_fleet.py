"""The fleet of a project, now and then, and what a new project shows."""

from __future__ import annotations

import re
from html import unescape

import pytest

from firmtrail_server.handlers import fleet_status
from firmtrail_server.pages import views
from tests.server.browser import Browser, text_of
from tests.server.callers import Caller, key_of, made, read
from tests.server.pages.conftest import reporting


@pytest.mark.parametrize(
    "at", ["2026-02-01", "2026-04-01", "2026-05-10T07:59:59Z", "2026-05-15", "2026-05-25", "2026-06-01"]
)
async def test_the_fleet_at_a_moment_is_what_the_api_answers(
    browser: Browser, mara: Caller, fleet: str, at: str
) -> None:
    counted = read(await mara.get(f"{fleet[1:]}/firmware_versions", at=at))["items"]

    page = await browser.opened(fleet, at=at, part="state")

    rows = re.findall(r"component=main&amp;version=([^&\"]+)[^>]*>.*?</a></td><td class=\"number\">([\d,]+)</td>", page)
    assert [(version, int(devices)) for version, devices in rows] == [
        (one["version"], one["devices"]) for one in counted
    ]


async def test_the_main_component_comes_first(browser: Browser, mara: Caller, project: str) -> None:
    device = made(await mara.post(f"projects/{project}/devices", {"name": "pump-1"}))["id"]
    key = Caller(mara.http, key_of(made(await mara.post(f"devices/{device}/api_keys", {}))))
    for component in ("bootloader", "main", "modem"):
        made(await key.post(f"devices/{device}/firmware_version", {"version": "1", "component": component}))

    page = await browser.opened(f"/projects/{project}")

    assert re.findall(r"<h2>(\w+) <span", page)[:3] == ["main", "bootloader", "modem"]


async def test_a_rollout_is_shown_from_its_second_device_on(
    browser: Browser, mara: Caller, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_status, "_MOST_VERSIONS", 1)
    for number, version in enumerate(["1.0", "1.0", "1.0", "1.1", "1.1", "1.2"]):
        await reporting(mara, project, f"pump-{number}", [(version, "2026-05-01")])

    page = text_of(await browser.opened(f"/projects/{project}"))

    assert "Rollout of 1.1 main" in page


async def test_what_takes_long_of_a_large_fleet_is_loaded_after_the_page(
    browser: Browser, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = re.search(r"<h2>Compliance.*?</section>", await browser.opened(fleet, at="2026-05-15"), re.DOTALL)
    monkeypatch.setattr(views.fleet, "MAX_DEVICES_AT_ONCE", 0)

    page = await browser.opened(fleet, at="2026-05-15")
    later = [unescape(path) for path in re.findall(r'data-fragment="([^"]+)"', page)]
    chart, rollout, compliance = [await browser.opened(path) for path in later]

    assert 'class="chart"' not in page
    assert 'id="fragment"' in chart
    assert "Shares of the versions of main" in chart
    assert 'id="fragment"' in rollout
    assert "Rollout of" in text_of(rollout)
    assert at_once
    assert at_once[0] in compliance
    assert at_once[0] in await browser.opened(later[2].removesuffix("&part=card"))


async def test_a_new_project_shows_how_its_first_device_reports(browser: Browser, mara: Caller) -> None:
    home = (await browser.post("/projects", "/projects", name="Brand new")).headers["Location"]

    page = (await browser.post(f"{home}/first_device", home, name="pump-1")).text
    ((key_id, secret, device),) = re.findall(
        r'api_key="([^":]+):([^"]+)"\) client.firmware.report\("([^"]+)"', text_of(page)
    )
    waiting = await browser.opened(home)
    made(await Caller(mara.http, (key_id, secret)).post(f"devices/{device}/firmware_version", {"version": "1.0.0"}))

    assert "data-wait=" in waiting
    assert "data-wait=" not in await browser.opened(home)
