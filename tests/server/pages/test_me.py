"""A person's own settings: name, password, sessions."""

from __future__ import annotations

import re

import httpx

from tests.server.browser import Browser
from tests.server.callers import PASSWORD, Caller, new_user
from tests.server.pages.conftest import EMAIL


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
