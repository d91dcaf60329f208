"""A device: its timeline, its keys, and what is changed about it."""

from __future__ import annotations

import re

from tests.server.browser import Browser, keys_on
from tests.server.callers import Caller, read
from tests.server.pages.conftest import reporting


async def test_a_device_shows_each_period_and_when_it_was_heard_of(browser: Browser, fleet: str) -> None:
    devices = await browser.opened(f"{fleet}/devices")
    (path,) = set(re.findall(r'href="(/devices/[0-9a-f-]{36})', devices))

    page = await browser.opened(path)

    assert len(re.findall(r'<tr id="p-', page)) == 4
    assert "Superseded 2026-05-20 08:00:00 UTC" in page


async def test_a_device_is_renamed_retired_and_restored(browser: Browser, mara: Caller, fleet: str) -> None:
    (device,) = read(await mara.get(f"{fleet[1:]}/devices"))["items"]
    path = f"/devices/{device['id']}"

    await browser.post(f"{path}/rename", path, name="pump-one")
    await browser.post(f"{path}/retire", path)
    retired = read(await mara.get(path[1:]))
    await browser.post(f"{path}/restore", path)

    assert retired["name"] == "pump-one"
    assert retired["retired_at"] is not None
    assert read(await mara.get(path[1:]))["retired_at"] is None


async def test_a_key_of_a_device_is_replaced_on_its_page(browser: Browser, mara: Caller, project: str) -> None:
    device = await reporting(mara, project, "pump-1", [("1.4.2", "2026-05-01")])
    (old,) = read(await mara.get(f"devices/{device}/api_keys"))["items"]
    page = f"/devices/{device}"

    key = keys_on((await browser.post(f"{page}/keys/{old['id']}/rotate", page, overlap_seconds="3600")).text)
    made_too = await browser.post(f"{page}/keys", page, label="third")
    await browser.post(f"{page}/keys/{old['id']}/delete", page)

    assert (await Caller(mara.http, key).post(f"devices/{device}/firmware_version", {"version": "1.5.0"})).is_success
    assert made_too.status_code == 409
    assert [one["id"] for one in read(await mara.get(f"devices/{device}/api_keys"))["items"]] == [key[0]]
