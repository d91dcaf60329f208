"""Signing up and in, the cookies of a session, and links that sign in."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from firmtrail_server.process.first_user import BadUser
from firmtrail_server.process.login_link import make_login_link
from firmtrail_server.settings import Settings
from tests.served import Server
from tests.server.browser import Browser
from tests.server.callers import Caller, new_user
from tests.server.conftest import Clock
from tests.server.pages.conftest import EMAIL


async def test_signing_in_leads_on_to_the_page_that_was_asked_for(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    answer = await browser.post(
        "/sign-in", "/sign-in", email=EMAIL, password="correct horse battery", next="/projects?x=1"
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects?x=1")


@pytest.mark.parametrize(
    "onward", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/a\tb"]
)
async def test_signing_in_never_leads_to_another_site(http: httpx.AsyncClient, browser: Browser, onward: str) -> None:
    await new_user(http, EMAIL)

    answer = await browser.post("/sign-in", "/sign-in", email=EMAIL, password="correct horse battery", next=onward)

    assert answer.headers["Location"] == "/projects"


async def test_a_wrong_password_is_told_and_throttled(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    answers = [await browser.sign_in(EMAIL, "wrong password") for _ in range(12)]

    assert answers[0].status_code == 401
    assert "do not match" in answers[0].text
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


async def test_the_cookies_are_closed_to_scripts_and_sites(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    cookies = (await browser.sign_in(EMAIL)).headers.get_list("Set-Cookie")

    assert [cookie.partition("=")[0] for cookie in cookies] == ["firmtrail_access", "firmtrail_session"]
    for cookie in cookies:
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize("settings", [Settings(public_url="https://firmtrail.example", password_cost=4)])
async def test_behind_tls_the_cookies_are_secure(http: httpx.AsyncClient, browser: Browser) -> None:
    await new_user(http, EMAIL)

    cookies = (await browser.sign_in(EMAIL)).headers.get_list("Set-Cookie")

    for cookie in cookies:
        assert cookie.startswith("__Host-firmtrail_")
        assert "Secure" in cookie.split("; ")


async def test_a_session_outlives_its_access_token(browser: Browser, mara: Caller, clock: Clock) -> None:
    clock.advance(days=3)

    answer = await browser.get("/projects")

    assert answer.status_code == 200
    assert len(answer.headers.get_list("Set-Cookie")) == 2


async def test_signing_out_ends_the_session(browser: Browser, mara: Caller) -> None:
    kept = dict(browser.http.cookies)

    await browser.post("/sign-out", "/projects")

    browser.http.cookies.update(kept)
    assert (await browser.get("/projects")).status_code == 303


async def test_a_user_signs_up_on_the_page(browser: Browser) -> None:
    fields = {"email": EMAIL, "name": "Mara", "password": "correct horse battery"}

    short = await browser.post("/sign-up", "/sign-up", **fields | {"password": "short"})
    await browser.post("/sign-up", "/sign-up", **fields)

    assert short.status_code == 422
    assert (await browser.sign_in(EMAIL)).status_code == 303


async def test_a_login_link_signs_in_once(
    server: Server, database_url: str, http: httpx.AsyncClient, browser: Browser
) -> None:
    await new_user(http, EMAIL)
    link = await make_login_link(database_url, server.url, EMAIL)

    first, second = await browser.get(link), await browser.get(link)

    assert (first.status_code, first.headers["Location"]) == (303, "/projects")
    assert (await browser.get("/projects")).status_code == 200
    assert second.status_code == 401


async def test_a_login_link_ends_after_ten_minutes(
    server: Server, database_url: str, http: httpx.AsyncClient, browser: Browser, clock: Clock
) -> None:
    clock.moment = dt.datetime.now(dt.UTC)  # the command goes by the machine's clock
    await new_user(http, EMAIL)
    link = await make_login_link(database_url, server.url, EMAIL)

    clock.advance(minutes=11)

    assert (await browser.get(link)).status_code == 401


async def test_a_login_link_is_made_for_users_alone(database_url: str) -> None:
    with pytest.raises(BadUser):
        await make_login_link(database_url, "http://server", "nobody@example.com")
