"""The webhooks of a project on pages: each form does what its handler of the API does."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from ipaddress import ip_network

import psycopg
import pytest

from firmtrail_contract import Role
from firmtrail_server.settings import Settings
from tests.server.browser import Browser, text_of
from tests.server.callers import Caller, join, made, new_user, read
from tests.server.pages.conftest import MARKUP
from tests.server.webhook_receivers import Receiver, receiving


@pytest.fixture
def settings() -> Settings:
    return Settings(password_cost=4, webhook_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def webhook(browser: Browser, project: str, url: str, **fields: str) -> tuple[str, str]:
    """Make a webhook on the page; return the path of its own page, and its secret."""
    page = f"/projects/{project}/webhooks"
    answer = (await browser.post(page, page, url=url, **fields)).text
    (path,) = re.findall(rf'href="({page}/[0-9a-f-]+)"', answer)
    (secret,) = re.findall(r"<code>(whsec_[^<]+)</code>", answer)
    return path, secret


async def test_a_webhook_is_made_with_its_secret_shown_once(
    browser: Browser, mara: Caller, project: str, receiver: Receiver
) -> None:
    fields = {"label": "alerts", "opened": "yes", "device_removed": "yes", "component": "main", "labels": "site=berlin"}
    path, secret = await webhook(browser, project, receiver.url, **fields)

    (hook,) = read(await mara.get(f"projects/{project}/webhooks"))["items"]
    assert (hook["url"], hook["kinds"]) == (receiver.url, ["opened", "device_removed"])
    assert (hook["label"], hook["component"], hook["labels"]) == ("alerts", "main", "site=berlin")
    for page in (path, f"/projects/{project}/webhooks"):
        shown = await browser.opened(page)
        assert "alerts" in text_of(shown)
        assert secret not in shown


async def test_a_test_says_what_the_receiver_answered(browser: Browser, project: str, receiver: Receiver) -> None:
    path, _ = await webhook(browser, project, receiver.url)

    answer = await browser.post(f"{path}/test", path)

    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    [one] = await receiver.wait_for(1)
    assert one.message["type"] == "webhook.test"
    assert "a test 1 delivered 204" in text_of(await browser.opened(path))


async def test_a_webhook_is_changed_and_its_filters_emptied(
    browser: Browser, mara: Caller, project: str, receiver: Receiver
) -> None:
    path, _ = await webhook(browser, project, receiver.url, component="main", opened="yes", label="old")

    await browser.post(f"{path}/change", path, url=f"{receiver.url}?x=1")

    hook = read(await mara.get(path[1:]))
    assert (hook["url"], hook["kinds"], hook["label"]) == (f"{receiver.url}?x=1", [], "")
    assert (hook["component"], hook["labels"]) == (None, None)


async def test_a_secret_is_replaced(browser: Browser, mara: Caller, project: str, receiver: Receiver) -> None:
    path, old = await webhook(browser, project, receiver.url)

    answer = (await browser.post(f"{path}/rotate_secret", path, overlap_seconds="86400")).text

    (new,) = re.findall(r"<code>(whsec_[^<]+)</code>", answer)
    assert new != old
    assert "Old secret signs too until" in text_of(await browser.opened(path))


async def test_a_webhook_is_replayed_after_a_number(
    browser: Browser, mara: Caller, fleet: str, receiver: Receiver
) -> None:
    path, _ = await webhook(browser, fleet.rpartition("/")[2], receiver.url)

    too_far = await browser.post(f"{path}/replay", path, after="99")
    again = await browser.post(f"{path}/replay", path, after="2")

    assert (too_far.status_code, again.status_code) == (422, 303)
    assert [one.number for one in await receiver.wait_for(2)] == [3, 4]


async def test_a_paused_webhook_says_why_and_is_resumed(
    browser: Browser, mara: Caller, project: str, receiver: Receiver, database_url: str
) -> None:
    path, _ = await webhook(browser, project, receiver.url)
    assert "Resume" not in text_of(await browser.opened(path))
    with psycopg.connect(database_url) as conn:
        conn.execute("update webhooks set paused_at = now(), pause_reason = 'gone'")

    paused = text_of(await browser.opened(path))
    await browser.post(f"{path}/resume", path)

    assert "410 Gone" in paused
    assert read(await mara.get(path[1:]))["paused_at"] is None


async def test_a_webhook_is_paused_by_hand(browser: Browser, mara: Caller, project: str, receiver: Receiver) -> None:
    path, _ = await webhook(browser, project, receiver.url)

    await browser.post(f"{path}/pause", path)

    assert read(await mara.get(path[1:]))["pause_reason"] == "by_hand"
    shown = text_of(await browser.opened(path))
    assert "Resume" in shown
    assert "paused by hand" in shown


async def test_a_webhook_is_deleted(browser: Browser, mara: Caller, project: str, receiver: Receiver) -> None:
    path, _ = await webhook(browser, project, receiver.url)

    await browser.post(f"{path}/delete", path)

    assert read(await mara.get(f"projects/{project}/webhooks"))["items"] == []
    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("url", "status"),
    [("ftp://example.com", 422), ("https://10.0.0.1/x", 422), ("", 422), ("https://user:pass@example.com/", 422)],
)
async def test_a_url_that_nothing_may_be_sent_to_is_refused(
    browser: Browser, mara: Caller, project: str, url: str, status: int
) -> None:
    page = f"/projects/{project}/webhooks"

    answer = await browser.post(page, page, url=url)

    assert answer.status_code == status
    assert "url" in text_of(answer.text)
    assert read(await mara.get(f"projects/{project}/webhooks"))["items"] == []


async def test_only_admins_see_webhooks(browser: Browser, stranger: Browser, mara: Caller, project: str) -> None:
    path, _ = await webhook(browser, project, "http://127.0.0.1/secret-in-a-url")
    await join(await new_user(mara.http, "ben@example.com"), mara, f"projects/{project}", Role.EDITOR)
    await stranger.sign_in("ben@example.com")

    settings = await stranger.opened(f"/projects/{project}/settings")

    assert f"/projects/{project}/webhooks" not in settings
    assert (await stranger.get(path)).status_code == 403
    assert "secret-in-a-url" not in (await stranger.get(f"/projects/{project}/webhooks")).text


async def test_markup_in_a_webhook_stays_text(browser: Browser, mara: Caller, project: str) -> None:
    hook = {"url": "https://example.com/<script>alert(1)</script>", "label": MARKUP, "labels": f"site={MARKUP}"}
    made(await mara.post(f"projects/{project}/webhooks", hook))
    page = await browser.opened(f"/projects/{project}/webhooks")
    (path,) = re.findall(rf'href="(/projects/{project}/webhooks/[0-9a-f-]+)"', page)

    for one in (page, await browser.opened(path)):
        assert "<script>alert" not in one
        assert "<img" not in one
        assert MARKUP in text_of(one)
