"""What nobody can make the pages do: forged forms, markup, scripts."""

from __future__ import annotations

import re

import httpx
import pytest

from firmtrail_contract import Role
from tests.server.browser import Browser, form_token, text_of
from tests.server.callers import Caller, join, key_of, made, new_user, read
from tests.server.pages.conftest import MARKUP


@pytest.mark.parametrize(
    "changed",
    [{"form_token": ""}, {"form_token": "0" * 96}],
)
async def test_a_form_without_its_token_changes_nothing(
    browser: Browser, mara: Caller, changed: dict[str, str]
) -> None:
    answer = await browser.http.post("/projects", data={"name": "Forged", **changed})

    assert answer.status_code == 403
    assert read(await mara.get("projects"))["items"] == []


async def test_a_form_token_of_another_session_is_refused(
    http: httpx.AsyncClient, browser: Browser, mara: Caller
) -> None:
    await new_user(http, "eve@example.com")
    async with httpx.AsyncClient(base_url=http.base_url) as another:
        eve = Browser(another)
        await eve.sign_in("eve@example.com")
        token = form_token(await eve.opened("/projects"))

    answer = await browser.http.post("/projects", data={"name": "Forged", "form_token": token})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(browser: Browser, mara: Caller, headers: dict[str, str]) -> None:
    token = form_token(await browser.opened("/projects"))

    answer = await browser.http.post("/projects", data={"name": "Forged", "form_token": token}, headers=headers)

    assert answer.status_code == 403
    assert read(await mara.get("projects"))["items"] == []


async def test_every_page_has_the_strict_headers(browser: Browser, fleet: str) -> None:
    for path in (fleet, f"{fleet}/devices", "/sign-in", "/projects", "/devices/no-id"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"


async def test_no_page_holds_scripts_or_styles_of_its_own(browser: Browser, fleet: str) -> None:
    of_project = [fleet, *(f"{fleet}/{name}" for name in ("devices", "adoption", "compliance"))]
    for path in (*of_project, "/sign-in", "/sign-up", "/projects"):
        page = await browser.opened(path)
        assert (
            re.findall(r"<script(?! type=\"module\" src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page) == []
        )
        assert re.findall(r'(?:src|href|action)="(?![/#])[^"]*', page) == []


async def test_files_are_kept_by_browsers_for_ever(browser: Browser) -> None:
    (path,) = set(re.findall(r'href="(/static/page\.\w+\.css)"', await browser.opened("/sign-in")))

    answer = await browser.http.get(path)
    again = await browser.http.get(path, headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert (again.status_code, again.content) == (304, b"")


async def test_modules_import_names_that_are_served(browser: Browser) -> None:
    paths = re.findall(r'src="(/static/[^"]+\.js)"', await browser.opened("/sign-in"))
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        answer = await browser.http.get(path)
        assert (answer.status_code, path) == (200, path)
        seen.add(path)
        paths += set(re.findall(r'"(/static/[^"]+)"', answer.text)) - seen

    assert len(seen) == 6


async def test_markup_of_people_and_devices_stays_text(browser: Browser, mara: Caller) -> None:
    project = made(await mara.post("projects", {"name": MARKUP}))["id"]
    labels = {"site": MARKUP.replace(",", "")}
    device = made(await mara.post(f"projects/{project}/devices", {"name": MARKUP, "labels": labels}))["id"]
    key = made(await mara.post(f"devices/{device}/api_keys", {"label": MARKUP}))
    await Caller(mara.http, key_of(key)).post(f"devices/{device}/firmware_version", {"version": MARKUP})
    made(await mara.post(f"projects/{project}/desired_versions", {"versions": [MARKUP], "labels": labels}))

    pages = [
        await browser.opened("/projects"),
        await browser.opened(f"/projects/{project}"),
        await browser.opened(f"/projects/{project}/devices", name=MARKUP[:20], labels=f"site={labels['site']}"),
        await browser.opened(f"/projects/{project}/devices", version=MARKUP),
        await browser.opened(f"/devices/{device}"),
        (await browser.get("/sign-in", next=f"/{MARKUP}")).text,
        (await browser.get("/sign-up", invitation=MARKUP)).text,
        (await browser.get(f"/projects/{project}/devices", version=f"<{MARKUP}<")).text,
        (await browser.get("/invitation", secret=MARKUP)).text,
        (await browser.get("/new-password", code=MARKUP)).text,
        (await browser.get(f"/{MARKUP}")).text,
    ]

    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
        assert MARKUP not in page
    assert all(MARKUP in text_of(page) for page in (pages[0], pages[1], pages[4]))


async def test_markup_in_settings_stays_text(browser: Browser, http: httpx.AsyncClient, mara: Caller) -> None:
    project = made(await mara.post("projects", {"name": MARKUP}))["id"]
    path, labels = f"projects/{project}", {"site": MARKUP}
    await join(await new_user(http, "ben@example.com", name=MARKUP), mara, path, Role.VIEWER)
    made(await mara.post(f"{path}/api_keys", {"role": "viewer", "label": MARKUP}))
    terms = {"label": MARKUP, "max_uses": 1, "expires_at": "2026-07-01T00:00:00Z", "labels": labels}
    made(await mara.post(f"{path}/enrollment_keys", terms))
    made(await mara.post(f"{path}/desired_versions", {"versions": [MARKUP], "labels": labels}))
    await mara.patch("users/me", {"name": MARKUP})

    for page in (*(f"/{path}/{one}" for one in ("settings", "members", "keys", "desired_versions", "audit")), "/me"):
        html = await browser.opened(page)
        assert "<script>alert" not in html
        assert "<img" not in html
        assert MARKUP in text_of(html), page
