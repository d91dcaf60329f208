"""The table of devices, its filters and its files."""

from __future__ import annotations

import re
from typing import Any

import pytest

from firmtrail_server.handlers import devices
from firmtrail_server.pages.views import device_files
from tests.served import Server
from tests.server.browser import Browser, text_of
from tests.server.callers import Caller, made, read
from tests.server.pages.conftest import reporting


async def test_the_table_of_devices_is_the_list_of_the_api(browser: Browser, mara: Caller, fleet: str) -> None:
    project = fleet.rpartition("/")[2]
    await reporting(mara, project, "valve-1", [("1.4.1", "2026-04-01")], site="berlin")

    then = text_of(await browser.opened(f"{fleet}/devices", at="2026-05-15", version="1.5.*"))
    berlin = text_of(await browser.opened(f"{fleet}/devices", labels="site=berlin"))

    assert "pump-1" in then
    assert "valve-1" not in then
    assert "valve-1" in berlin
    assert "pump-1" not in berlin


async def test_the_table_is_sorted_by_name_in_both_directions(browser: Browser, mara: Caller, project: str) -> None:
    for name in ("a", "b", "c"):
        made(await mara.post(f"projects/{project}/devices", {"name": name}))
    path = f"/projects/{project}/devices"

    async def shown(**query: str) -> list[str]:
        return re.findall(r'<a class="strong" href="/devices/[^>]*>(\w)</a>', await browser.opened(path, **query))

    (turned,) = re.findall(r'<a class="sort" href="([^"]+)"', await browser.opened(path))
    table = (await browser.get(f"{path}.csv", order="name_descending")).text.splitlines()

    assert turned == f"{path}?order=name_descending"
    assert await shown() == ["a", "b", "c"]
    assert await shown(order="name_descending", page_size="2") == ["c", "b"]
    assert [line.split(",")[1] for line in table] == ["name", "c", "b", "a"]
    assert 'class="sort"' not in await browser.opened(path, order="name_descending", component="main")


async def test_blank_fields_of_a_filter_leave_the_url(browser: Browser, fleet: str) -> None:
    answer = await browser.get(f"{fleet}/devices?name=&version=1.5.0&at=")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{fleet}/devices?version=1.5.0")


async def test_a_filter_that_is_wrong_is_explained(browser: Browser, fleet: str) -> None:
    answer = await browser.get(f"{fleet}/devices", version=">=")

    assert answer.status_code == 422
    assert "version" in text_of(answer.text)


async def test_downloads_hold_what_the_table_shows(browser: Browser, mara: Caller, fleet: str) -> None:
    project = fleet.rpartition("/")[2]
    made(await mara.post(f"projects/{project}/devices", {"name": "=1+1"}))

    table = await browser.get(f"{fleet}/devices.csv", at="2026-05-15")
    listed = await browser.get(f"{fleet}/devices.json", at="2026-05-15")

    assert table.headers["Content-Disposition"] == 'attachment; filename="devices.csv"'
    assert "main=1.5.0" in table.text
    assert ",'=1+1," in table.text
    assert listed.json()["items"] == read(await mara.get(f"{fleet[1:]}/devices", at="2026-05-15"))["items"]


async def test_a_download_holds_all_pages(
    browser: Browser, mara: Caller, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_files, "MAX_PAGE_SIZE", 2)
    names = [f"pump-{number}" for number in range(5)]
    for name in names:
        made(await mara.post(f"projects/{project}/devices", {"name": name}))

    table = (await browser.get(f"/projects/{project}/devices.csv")).text.splitlines()
    listed = (await browser.get(f"/projects/{project}/devices.json", name="pump")).json()
    nothing = (await browser.get(f"/projects/{project}/devices.json", name="valve")).json()

    assert [line.split(",")[1] for line in table] == ["name", *names]
    assert [one["name"] for one in listed["items"]] == names
    assert nothing["items"] == []


async def test_a_download_beyond_its_bound_is_refused_whole(
    browser: Browser, mara: Caller, project: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_files, "MAX_DEVICES", 0)
    made(await mara.post(f"projects/{project}/devices", {"name": "pump-1"}))

    answer = await browser.get(f"/projects/{project}/devices.csv")

    assert answer.status_code == 422
    assert "Content-Disposition" not in answer.headers
    assert server.services.exporter.running == 0


async def test_downloads_take_the_places_of_exports(
    browser: Browser, mara: Caller, project: str, server: Server
) -> None:
    exporter: Any = server.services.exporter
    exporter.running += 100

    answer = await browser.get(f"/projects/{project}/devices.csv")

    exporter.running -= 100
    assert answer.status_code == 503
    assert (await browser.get(f"/projects/{project}/devices.csv")).status_code == 200
    assert exporter.running == 0


async def test_a_download_is_one_snapshot(
    browser: Browser, mara: Caller, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_files, "MAX_PAGE_SIZE", 1)
    ids = [made(await mara.post(f"projects/{project}/devices", {"name": name}))["id"] for name in ("a", "b", "c")]
    listed = devices.list_devices
    pages = 0

    async def delete_one_after_the_first_page(*args: Any) -> Any:
        nonlocal pages
        answer, pages = await listed(*args), pages + 1
        if pages == 1:
            assert (await mara.delete(f"devices/{ids[1]}")).status_code == 204
        return answer

    monkeypatch.setattr(devices, "list_devices", delete_one_after_the_first_page)

    table = (await browser.get(f"/projects/{project}/devices.csv")).text.splitlines()

    assert [line.split(",")[1] for line in table] == ["name", "a", "b", "c"]
    assert pages == 3
