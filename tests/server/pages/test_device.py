"""A device: its timeline, its agent, its keys, and what is changed about it."""

from __future__ import annotations

import re
import uuid

import pytest

from firmtrail_server.pages.views import device as device_page
from tests.server.browser import Browser, keys_on, text_of
from tests.server.callers import Caller, key_of, made, read
from tests.server.pages.conftest import MARKUP, reporting


async def test_a_device_shows_each_period_and_when_it_was_heard_of(browser: Browser, fleet: str) -> None:
    devices = await browser.opened(f"{fleet}/devices")
    (path,) = set(re.findall(r'href="(/devices/[0-9a-f-]{36})', devices))

    page = await browser.opened(path)

    assert len(re.findall(r'<tr id="p-', page)) == 4
    assert "Superseded 2026-05-20 08:00:00 UTC" in page


async def test_a_long_history_opens_at_its_newest_periods(
    browser: Browser, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_page, "MOST_PERIODS", 3)
    (path,) = set(re.findall(r'href="(/devices/[0-9a-f-]{36})', await browser.opened(f"{fleet}/devices")))

    first = await browser.opened(path)
    (older,) = re.findall(r'href="([^"]+page_token=[^"]+)"', first)
    second = await browser.opened(older)

    assert [page.count('<tr id="p-') for page in (first, second)] == [3, 1]
    assert [page.count('<span class="muted">current</span>') for page in (first, second)] == [1, 0]
    assert ("Older periods" in second, "Newest periods" in second) == (False, True)
    assert _bar_begins(first) == _bar_begins(second)


async def test_a_long_history_opens_where_the_time_bar_stands(
    browser: Browser, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = set(re.findall(r'href="(/devices/[0-9a-f-]{36})', await browser.opened(f"{fleet}/devices")))
    begins = _bar_begins(await browser.opened(path))
    monkeypatch.setattr(device_page, "MOST_PERIODS", 1)

    page = await browser.opened(f"{path}?at={begins[:17]}59Z")

    assert page.count('<tr id="p-') == 1
    assert page.count('class="on"') == 1
    assert '<span class="muted">current</span>' not in page
    assert "Newest periods" in page


async def test_a_timeline_says_why_each_moment_is_believed(browser: Browser, mara: Caller, project: str) -> None:
    device = made(await mara.post(f"projects/{project}/devices", {"name": "pump-1"}))["id"]
    key = Caller(mara.http, key_of(made(await mara.post(f"devices/{device}/api_keys", {}))))
    boots = [{"boot_id": str(uuid.UUID(int=one)), "boot_sequence": one, "boot_time_ms": 1_000} for one in (1, 2)]
    records = [{"first_observed": boots[0], "components": [{"version": "1"}]}]
    read(await key.post(f"devices/{device}/firmware_reports", {"sent": boots[1], "records": records}))
    made(await key.post(f"devices/{device}/firmware_version", {"version": "2"}))

    page = await browser.opened(f"/devices/{device}")

    tips = re.findall(r'data-tip="([^"]+)"', page)
    assert ["at the latest, perhaps earlier" in tip for tip in tips] == [True, False]
    assert "server&#39;s clock when the report arrived" in tips[1]
    assert page.count('class="bound"') == 2
    assert "at the latest" in text_of(page)


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


async def test_labels_are_set_and_those_of_others_stay(browser: Browser, mara: Caller, fleet: str) -> None:
    (device,) = read(await mara.get(f"{fleet[1:]}/devices"))["items"]
    path = f"/devices/{device['id']}"
    await mara.patch(path[1:], {"labels": {"site": "berlin", "rack": "3", "added": "meanwhile"}})

    await browser.post(f"{path}/labels", path, labels="site=bonn, floor=2", shown="site=berlin,rack=3")

    assert read(await mara.get(path[1:]))["labels"] == {"site": "bonn", "floor": "2", "added": "meanwhile"}


@pytest.mark.parametrize("labels", ["=x", "Site=x", "site"])
async def test_labels_that_are_wrong_change_nothing(browser: Browser, mara: Caller, fleet: str, labels: str) -> None:
    (device,) = read(await mara.get(f"{fleet[1:]}/devices"))["items"]
    path = f"/devices/{device['id']}"

    answer = await browser.post(f"{path}/labels", path, labels=labels)

    assert answer.status_code == 422
    assert "labels" in text_of(answer.text)
    assert read(await mara.get(path[1:]))["labels"] == {}


async def test_a_device_is_deleted_by_typing_its_name(browser: Browser, mara: Caller, fleet: str) -> None:
    (device,) = read(await mara.get(f"{fleet[1:]}/devices"))["items"]
    path = f"/devices/{device['id']}"

    wrong = await browser.post(f"{path}/delete", path, name="pump")
    kept = await browser.get(path)
    right = await browser.post(f"{path}/delete", path, name="pump-1")

    assert (wrong.status_code, kept.status_code) == (422, 200)
    assert (right.status_code, right.headers["Location"]) == (303, f"{fleet}/devices")
    assert (await browser.get(path)).status_code == 404


async def test_a_device_shows_its_agent_and_its_gaps(browser: Browser, mara: Caller, fleet: str) -> None:
    device = made(await mara.post(f"{fleet[1:]}/devices", {"name": "pump-2"}))["id"]
    key = Caller(mara.http, key_of(made(await mara.post(f"devices/{device}/api_keys", {}))))
    boot = {"boot_id": str(uuid.UUID(int=1)), "boot_sequence": 1}
    components = [{"version": "1.5.0"}]
    batch = {
        "sent": boot | {"boot_time_ms": 36_000_000},
        "records": [
            {"first_observed": boot | {"boot_time_ms": 3_600_000}, "components": components},
            {"first_observed": boot | {"boot_time_ms": 7_200_000}, "components": components, "dropped_before": 17},
        ],
        "interval_seconds": 3600,
        "agent": {
            "version": "0.1.0",
            "sources": [{"component": "modem", "source": "command", "error": MARKUP}],
            "spool_error": "No space left on device",
        },
    }
    read(await key.post(f"devices/{device}/firmware_reports", batch))

    page = await browser.opened(f"/devices/{device}")

    text = text_of(page)
    assert "failing" in text
    assert f"command: {MARKUP}" in text
    assert "No space left on device" in text
    assert "every 1 h" in text
    assert re.search(r"Gaps .* Records lost 2026-06-01 03:00 2026-06-01 04:00 17", text)
    assert 'class="gap"' in page
    assert "pump-2" in text_of(await browser.opened(f"{fleet}/devices", agent_version="0.1.0"))


def _bar_begins(page: str) -> str:
    (first,) = re.findall(r'data-first="([^"]+)"', page)
    return first
