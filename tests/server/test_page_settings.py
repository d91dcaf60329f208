"""A project's settings and a person's own, on pages: each form does what its handler of the API does."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from html import unescape
from typing import Any

import httpx
import pytest

from firmtrail_contract import Role
from firmtrail_server.pages.views import device_files
from tests.served import Server
from tests.server.browser import Browser, text_of
from tests.server.callers import PASSWORD, Caller, join, made, new_user, read
from tests.server.conftest import Clock
from tests.server.test_pages import EMAIL, MARKUP, browser, mara, reporting

__all__ = ["browser", "mara"]


@pytest.fixture
async def project(mara: Caller) -> str:
    return made(await mara.post("projects", {"name": "Pumps"}))["id"]


@pytest.fixture
async def stranger(server: Server) -> AsyncGenerator[Browser]:
    """A browser in which nobody is signed in."""
    async with httpx.AsyncClient(base_url=server.url) as http:
        yield Browser(http)


def keys_on(page: str) -> tuple[str, str]:
    """The id and the secret of the key that a page shows."""
    found = re.search(r"<code>([0-9a-f-]{36}):(\w+)</code>", page)
    assert found is not None
    return found[1], found[2]


async def test_an_invitation_link_lets_a_new_user_join(
    browser: Browser, stranger: Browser, mara: Caller, project: str
) -> None:
    page = await browser.post(f"/projects/{project}/invitations", f"/projects/{project}/members", role="editor")
    (link,) = re.findall(r"<code>https?://[^/]+(/invitation\?secret=[^<]+)</code>", page.text)
    offer = unescape(await stranger.opened(link))
    (sign_up,) = re.findall(r'href="(/sign-up\?invitation=[^"]+)"', offer)
    fields = {"email": "ben@example.com", "name": "Ben", "password": PASSWORD}

    await stranger.post("/sign-up", sign_up, **fields, invitation=sign_up.partition("=")[2])

    members = read(await mara.get(f"projects/{project}/members"))["items"]
    assert {one["name"]: one["role"] for one in members} == {"Mara": "admin", "Ben": "editor"}
    assert "whoever has the link" not in text_of(await browser.opened(f"/projects/{project}/members"))


async def test_an_invitation_link_leads_through_sign_in_to_the_project(
    browser: Browser, stranger: Browser, http: httpx.AsyncClient, mara: Caller, project: str
) -> None:
    await new_user(http, "ben@example.com")
    secret = made(await mara.post(f"projects/{project}/invitations", {"role": "viewer"}))["secret"]
    offer = await stranger.opened("/invitation", secret=secret)
    (sign_in,) = re.findall(r'href="(/sign-in\?[^"]+)"', unescape(offer))
    (onward,) = re.findall(r'name="next" value="([^"]+)"', unescape(await stranger.opened(sign_in)))

    signed_in = await stranger.post("/sign-in", sign_in, email="ben@example.com", password=PASSWORD, next=onward)
    joined = await stranger.post("/invitation", signed_in.headers["Location"], secret=secret)

    assert joined.headers["Location"] == f"/projects/{project}"
    assert (await stranger.get(f"/projects/{project}")).status_code == 200


async def test_an_invitation_is_listed_and_revoked(browser: Browser, mara: Caller, project: str) -> None:
    new = {"role": "viewer", "email": "cleo@example.com"}
    invitation = made(await mara.post(f"projects/{project}/invitations", new))
    page = f"/projects/{project}/members"
    assert "cleo@example.com" in await browser.opened(page)

    await browser.post(f"/projects/{project}/invitations/{invitation['id']}/revoke", page)

    assert "cleo@example.com" not in await browser.opened(page)


async def test_a_member_gets_another_role_and_is_removed(
    browser: Browser, http: httpx.AsyncClient, mara: Caller, project: str
) -> None:
    ben = await new_user(http, "ben@example.com", name="Ben")
    await join(ben, mara, f"projects/{project}", Role.VIEWER)
    user_id, page = read(await ben.get("users/me"))["id"], f"/projects/{project}/members"

    await browser.post(f"{page}/{user_id}/role", page, role="editor")
    members = read(await mara.get(f"projects/{project}/members"))["items"]
    await browser.post(f"{page}/{user_id}/remove", page)

    assert {one["name"]: one["role"] for one in members} == {"Mara": "admin", "Ben": "editor"}
    assert (await ben.get(f"projects/{project}")).status_code == 404


async def test_the_last_admin_keeps_the_project(browser: Browser, project: str) -> None:
    page = f"/projects/{project}/settings"

    answer = await browser.post(f"{page}/leave", page, sure="yes")

    assert answer.status_code == 409
    assert (await browser.get(page)).status_code == 200


async def test_a_project_is_renamed_and_deleted_by_its_name(browser: Browser, project: str) -> None:
    page = f"/projects/{project}/settings"

    await browser.post(f"{page}/rename", page, name="Valves")
    wrong = await browser.post(f"{page}/delete", page, name="Pumps")
    right = await browser.post(f"{page}/delete", page, name="Valves")

    assert (wrong.status_code, right.headers["Location"]) == (409, "/projects")
    assert (await browser.get(page)).status_code == 404


async def test_an_api_key_is_made_rotated_and_ended(browser: Browser, http: httpx.AsyncClient, project: str) -> None:
    page = f"/projects/{project}/keys"
    first = keys_on((await browser.post(page, page, role="viewer", label="dashboard", expires="2026-07-01")).text)
    assert read(await Caller(http, first).get("projects/current"))["role"] == "viewer"

    second = keys_on((await browser.post(f"{page}/{first[0]}/rotate", page, overlap_seconds="0")).text)
    assert (await Caller(http, first).get("projects/current")).status_code == 401
    assert read(await Caller(http, second).get("projects/current"))["role"] == "viewer"

    await browser.post(f"{page}/{second[0]}/delete", page)
    assert (await Caller(http, second).get("projects/current")).status_code == 401


async def test_an_enrollment_key_lets_devices_register(
    browser: Browser, http: httpx.AsyncClient, mara: Caller, project: str
) -> None:
    page, new = f"/projects/{project}/keys", {"max_uses": "5", "expires": "2026-07-01", "labels": "site=bonn, rack=3"}

    made_page = (await browser.post(f"/projects/{project}/enrollment_keys", page, **new)).text
    key = keys_on(made_page)
    enrolled = made(await Caller(http, key).post("enroll", {"name": "pump-1", "hardware_fingerprint": "SN-4711-0815"}))

    assert enrolled["device"]["labels"] == {"site": "bonn", "rack": "3"}
    assert "firmtrail-agent enroll" in made_page
    assert "1 of 5" in text_of(await browser.opened(page))
    await browser.post(f"/projects/{project}/enrollment_keys/{key[0]}/delete", page)
    assert read(await mara.get(f"projects/{project}/enrollment_keys"))["items"] == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"role": "owner"}, "role"),
        ({"role": "viewer", "expires": "soon"}, "expires"),
        ({"role": "viewer", "label": "x" * 101}, "label"),
    ],
)
async def test_a_wrong_field_of_a_form_is_named(
    browser: Browser, mara: Caller, project: str, fields: dict[str, str], wrong: str
) -> None:
    page = f"/projects/{project}/keys"

    answer = await browser.post(page, page, **fields)

    assert answer.status_code == 422
    assert f"<strong>{wrong}</strong>" in answer.text
    assert read(await mara.get(f"projects/{project}/api_keys"))["items"] == []


async def test_a_desired_version_is_set_replaced_and_ended(browser: Browser, mara: Caller, project: str) -> None:
    page = f"/projects/{project}/desired_versions"
    rule = {"component": "main", "labels": "site=bonn", "priority": "3"}
    await browser.post(page, page, **rule, versions="1.4.2\r\n1.5.0\r\n")
    (first,) = read(await mara.get(page[1:]))["items"]

    await browser.post(page, page, **rule, versions="1.5.0", replaces=first["id"])
    (second,) = read(await mara.get(page[1:]))["items"]
    await browser.post(f"{page}/{second['id']}/end", page)

    assert (first["versions"], first["labels"], first["priority"]) == (["1.4.2", "1.5.0"], {"site": "bonn"}, 3)
    assert second["versions"] == ["1.5.0"]
    assert read(await mara.get(page[1:]))["items"] == []
    assert text_of(await browser.opened(page, state="ended")).count("site=bonn") == 2


async def test_the_audit_trail_is_filtered_and_paged(
    browser: Browser, mara: Caller, project: str, clock: Clock
) -> None:
    page = f"/projects/{project}/audit"
    clock.advance(seconds=1)
    for number in range(60):
        made(await mara.post(f"projects/{project}/devices", {"name": f"pump-{number}"}))

    newest = await browser.opened(page)
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', newest)
    older = await browser.opened(unescape(onward))

    assert newest.count(">device.created</td>") == 50
    assert older.count(">device.created</td>") == 10
    assert ">project.created</td>" in older
    assert (await browser.opened(page, action="project.created")).count(">project.created</td>") == 1
    assert "No event fits" in await browser.opened(page, since="2026-07-01")


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


async def test_a_user_changes_their_name_and_password(browser: Browser, stranger: Browser, mara: Caller) -> None:
    await stranger.sign_in(EMAIL)
    await browser.post("/me/name", "/me", name="Mara B.")
    wrong = await browser.post("/me/password", "/me", current_password="not this one", new_password="another password")
    right = await browser.post("/me/password", "/me", current_password=PASSWORD, new_password="another password")

    assert (wrong.status_code, right.status_code) == (403, 303)
    assert "Mara B." in await browser.opened("/me")
    assert (await stranger.get("/me")).status_code == 303
    assert (await stranger.sign_in(EMAIL, "another password")).status_code == 303


async def test_a_session_is_ended_from_another_one(browser: Browser, stranger: Browser, mara: Caller) -> None:
    await stranger.sign_in(EMAIL)
    listed = await browser.opened("/me")
    (other,) = re.findall(r"(?s)<tr>(?:(?!this one|</tr>).)*action=\"(/me/sessions/[^\"]+)\"", listed)

    await browser.post(other, "/me")

    assert (await stranger.get("/me")).status_code == 303
    assert (await browser.get("/me")).status_code == 200


async def test_a_session_of_another_user_is_not_found(
    browser: Browser, stranger: Browser, http: httpx.AsyncClient, mara: Caller
) -> None:
    await new_user(http, "eve@example.com")
    await stranger.sign_in("eve@example.com")
    (session,) = re.findall(r'action="(/me/sessions/[^"]+)"', await browser.opened("/me"))

    assert (await stranger.post(session, "/me")).status_code == 404
    assert (await browser.get("/me")).status_code == 200


@pytest.mark.parametrize("accept", ["text/html,*/*", "application/json"])
async def test_an_unknown_path_answers_in_the_asker_s_language(browser: Browser, accept: str) -> None:
    kinds = {"text/html,*/*": "text/html; charset=utf-8", "application/json": "application/problem+json"}
    for path in ("/nothing", "/projects/x/y/z", "/sign-out"):
        answer = await browser.http.get(path, headers={"Accept": accept})
        assert answer.status_code in {404, 405}
        assert answer.headers["Content-Type"] == kinds[accept]

    api = await browser.http.get("/v1/nothing", headers={"Accept": accept})
    assert api.headers["Content-Type"] == "application/problem+json"


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


async def test_a_viewer_is_offered_nothing_that_is_refused(
    http: httpx.AsyncClient, browser: Browser, mara: Caller
) -> None:
    ben = await new_user(http, "ben@example.com")
    project = made(await ben.post("projects", {"name": "Theirs"}))["id"]
    await join(mara, ben, f"projects/{project}", Role.VIEWER)

    for page in ("settings", "members", "desired_versions"):
        html = await browser.opened(f"/projects/{project}/{page}")
        assert f"/projects/{project}/keys" not in html
        assert f"/projects/{project}/audit" not in html
        forms = set(re.findall(r'<form method="post" action="([^"]+)"', html)) - {"/sign-out"}
        assert forms <= {f"/projects/{project}/settings/leave"}
