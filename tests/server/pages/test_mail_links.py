"""Links in e-mails: each leads to the page where it is used, or without pages to a command."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from firmtrail_server.services.mail import read_smtp
from firmtrail_server.settings import Settings
from tests.server.browser import Browser
from tests.server.callers import PASSWORD, Caller, made, sign_up
from tests.server.mailbox import Mailbox, code_in, confirmed_user, smtp_server

URL = "https://firmtrail.example.com"
ADA = "ada@example.com"


@pytest.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    async with smtp_server() as mailbox:
        yield mailbox


@pytest.fixture
def has_pages() -> bool:
    return True


@pytest.fixture
def settings(mailbox: Mailbox, *, has_pages: bool) -> Settings:
    smtp = read_smtp(f"smtp://127.0.0.1:{mailbox.port}", "firmtrail@example.com")
    return Settings(password_cost=4, smtp=smtp, public_url=URL, pages_enabled=has_pages)


@pytest.fixture
async def ada(http: httpx.AsyncClient, mailbox: Mailbox) -> Caller:
    return await confirmed_user(http, mailbox, ADA)


def link_in(text: str) -> str:
    """The path of the only link of ours that leads to a page."""
    (path,) = re.findall(rf"{URL}(/\S+)", text)
    return path


async def test_a_link_confirms_an_address(http: httpx.AsyncClient, browser: Browser, mailbox: Mailbox) -> None:
    await sign_up(http, ADA)
    link = link_in((await mailbox.wait_for(1))[0])

    await browser.opened(link)
    await browser.opened(link)  # what looks at links before a person does uses nothing up
    answer = await browser.post("/sign-up/confirm", link, code=link.rpartition("=")[2], password=PASSWORD)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert (await browser.sign_in(ADA)).status_code == 303


async def test_a_link_sets_a_new_password(browser: Browser, ada: Caller, mailbox: Mailbox) -> None:
    await browser.post("/forgotten-password", "/forgotten-password", email=ADA)
    link = link_in((await mailbox.wait_for(2))[-1])

    await browser.post("/new-password", link, code=link.rpartition("=")[2], new_password="another long password")

    assert (await browser.sign_in(ADA, "another long password")).status_code == 303


async def test_a_link_opens_an_invitation(ada: Caller, browser: Browser, mailbox: Mailbox) -> None:
    project = made(await ada.post("projects", {"name": "Pumps"}))["id"]
    made(await ada.post(f"projects/{project}/invitations", {"role": "viewer", "email": "ben@example.com"}))

    link = link_in((await mailbox.wait_for(2))[-1])

    assert link.startswith("/invitation?secret=fti_")
    assert "You are invited to a project" in await browser.opened(link)


@pytest.mark.parametrize("has_pages", [False])
async def test_without_pages_an_e_mail_names_the_command(http: httpx.AsyncClient, mailbox: Mailbox) -> None:
    await sign_up(http, ADA)
    (text,) = await mailbox.wait_for(1)

    assert f"firmtrail confirm-sign-up --url {URL}" in text
    assert re.findall(rf"{URL}/", text) == []
    assert code_in(text)
