"""A project's settings: each form does what its handler of the API does."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from firmtrail_contract import Role
from tests.server.browser import Browser, keys_on, text_of
from tests.server.callers import PASSWORD, Caller, join, made, new_user, read
from tests.server.conftest import Clock


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
