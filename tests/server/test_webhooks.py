"""Webhooks: what is delivered, in which order, how often, and what is done about receivers that do not take it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Callable
from ipaddress import ip_network
from typing import Any

import httpx
import psycopg
import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from firmtrail_server.services.mail import Smtp
from firmtrail_server.settings import Settings
from firmtrail_server.webhooks import deliverer, deliveries
from tests.served import Server
from tests.server.callers import Caller, all_pages, log_in, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo
from tests.server.mailbox import Mailbox, confirmed_user, smtp_server
from tests.server.webhook_receivers import (
    PATIENCE_SECONDS,
    Receiver,
    answering,
    receiving,
)


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_TRIES", 0.02)


@pytest.fixture
async def mailbox() -> AsyncGenerator[Mailbox]:
    async with smtp_server() as mailbox:
        yield mailbox


@pytest.fixture
def settings(mailbox: Mailbox) -> Settings:
    smtp = Smtp(scheme="smtp", host="127.0.0.1", port=mailbox.port, sender="firmtrail@example.com")
    return Settings(seed_enabled=True, password_cost=4, webhook_networks=(ip_network("127.0.0.0/8"),), smtp=smtp)


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/webhooks"


async def run(http: httpx.AsyncClient, demo: Demo, *versions: str, component: str = "main") -> None:
    for version in versions:
        body = {"version": version, "component": component}
        (await http.post(demo.path, json=body, auth=demo.device_key)).raise_for_status()


async def until(caller: Caller, path: str, is_there: Callable[[Any], bool]) -> Any:
    """Read until it is as it should be."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_there(found := read(await caller.get(path))):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.02)
    return found


async def test_a_delivery_names_both_versions(admin: Caller, demo: Demo, path: str, receiver: Receiver) -> None:
    await run(admin.http, demo, "1")
    hook = made(await admin.post(path, {"url": receiver.url}))

    await run(admin.http, demo, "2")

    [one] = await receiver.wait_for(1)
    data = one.message["data"]
    assert (one.target, one.message["type"]) == ("/hook", "firmware_change.opened")
    assert (data["previous"], data["new"], data["component"]) == ("1", "2", "main")
    assert (data["project_id"], data["device_id"]) == (demo.project_id, demo.device_id)
    change = read(await admin.get(f"projects/{demo.project_id}/firmware_changes"))["items"][1]
    assert data["change"] == change
    assert one.headers["webhook-id"] == f"msg_{hook['id'].replace('-', '')}_2"
    assert one.headers["content-type"] == "application/json"


async def test_the_published_library_verifies_a_delivery(
    admin: Caller, demo: Demo, path: str, receiver: Receiver, clock: Clock
) -> None:
    clock.moment = dt.datetime.now(dt.UTC)
    secret = made(await admin.post(path, {"url": receiver.url}))["secret"]
    await run(admin.http, demo, "1")

    [one] = await receiver.wait_for(1)

    assert Verifier(secret).verify(one.body, one.headers) == one.message
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(one.body.replace(b'"1"', b'"2"'), one.headers)


async def test_both_secrets_verify_during_a_rotation(
    admin: Caller, demo: Demo, path: str, receiver: Receiver, clock: Clock
) -> None:
    clock.moment = dt.datetime.now(dt.UTC)
    hook = made(await admin.post(path, {"url": receiver.url}))
    oldest, of = hook["secret"], f"{path}/{hook['id']}"
    old = read(await admin.post(f"{of}/rotate_secret", {"overlap_seconds": 60}))["secret"]
    new = read(await admin.post(f"{of}/rotate_secret", {"overlap_seconds": 60}))["secret"]

    read(await admin.bare_post(f"{of}/test"))
    clock.advance(seconds=61)
    read(await admin.bare_post(f"{of}/test"))

    during, after = await receiver.wait_for(2)
    assert [verifies(secret, during) for secret in (oldest, old, new)] == [False, True, True]
    assert [verifies(secret, after) for secret in (oldest, old, new)] == [False, False, True]


def verifies(secret: str, received: Any) -> bool:
    try:
        Verifier(secret).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return True


async def test_changes_come_in_order_also_when_some_fail(
    admin: Caller, demo: Demo, path: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def every_third_fails(writer: asyncio.StreamWriter, nth: int) -> None:
        await answering(500 if nth % 3 == 0 else 200)(writer, 1)

    receiver.behave = every_third_fails
    monkeypatch.setattr(deliveries, "_PAUSE_SECONDS", (0,))
    monkeypatch.setattr(deliveries, "_CHANGES_AT_ONCE", 4)
    hook = made(await admin.post(path, {"url": receiver.url}))

    await run(admin.http, demo, *map(str, range(20)))

    await until(admin, f"{path}/{hook['id']}", lambda hook: hook["delivered_number"] == 20)
    numbers = receiver.numbers
    assert numbers == sorted(numbers)
    assert [number for nth, number in enumerate(numbers, 1) if nth % 3] == [*range(1, 21)]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 20


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 2, 3, 4]),
        ({"kinds": ["device_removed"]}, [4]),
        ({"component": "modem"}, [2, 4]),
        ({"labels": "site=oslo"}, [1, 2, 3, 4]),
        ({"labels": "site=bergen"}, [4]),
        ({"kinds": ["opened"], "component": "main", "labels": "site"}, [1, 3]),
    ],
)
async def test_filters_choose_what_is_delivered(  # noqa: PLR0913, PLR0917  filters and their result
    admin: Caller, demo: Demo, path: str, receiver: Receiver, filters: dict[str, Any], expected: list[int]
) -> None:
    other = made(await admin.post(f"projects/{demo.project_id}/devices", {"name": "other"}))["id"]
    await admin.patch(f"devices/{demo.device_id}", {"labels": {"site": "oslo"}})
    hook = made(await admin.post(path, {"url": receiver.url, **filters}))
    for version, component in (("1", "main"), ("1", "modem"), ("2", "main")):
        await run(admin.http, demo, version, component=component)
        await admin.get(f"projects/{demo.project_id}/firmware_changes")
    await admin.delete(f"devices/{other}")

    await until(admin, f"{path}/{hook['id']}", lambda hook: hook["delivered_number"] == 4)

    assert receiver.numbers == expected


async def test_a_new_webhook_gets_nothing_of_the_past(admin: Caller, demo: Demo, path: str, receiver: Receiver) -> None:
    await run(admin.http, demo, "1", "2")

    assert made(await admin.post(path, {"url": receiver.url}))["delivered_number"] == 2


async def test_replay_delivers_again_with_the_same_ids(
    admin: Caller, demo: Demo, path: str, receiver: Receiver
) -> None:
    hook = made(await admin.post(path, {"url": receiver.url}))
    await run(admin.http, demo, "1", "2", "3")
    await receiver.wait_for(3)
    await until(admin, f"{path}/{hook['id']}", lambda hook: hook["delivered_number"] == 3)

    read(await admin.post(f"{path}/{hook['id']}/replay", {"after": 1}))

    await receiver.wait_for(5)
    assert receiver.numbers == [1, 2, 3, 2, 3]
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert ids[3:] == ids[1:3]
    assert wrong_fields(await admin.post(f"{path}/{hook['id']}/replay", {"after": 4})) == [("/after", "out_of_range")]


async def test_a_receiver_that_takes_nothing_for_three_days_is_paused(
    http: httpx.AsyncClient, mailbox: Mailbox, receiver: Receiver, clock: Clock
) -> None:
    ada = await confirmed_user(http, mailbox, "ada@example.com")
    project_id = made(await ada.post("projects", {"name": "ours"}))["id"]
    path, report = f"projects/{project_id}/webhooks", await reporter(ada, project_id)
    receiver.behave = answering(500)
    hook = made(await ada.post(path, {"url": receiver.url, "label": "alerts"}))
    mails = len(mailbox.messages)
    await report("1")
    await until(ada, f"{path}/{hook['id']}", lambda hook: hook["failed_attempts"] == 1)

    clock.advance(hours=71)
    ada = await log_in(http, "ada@example.com")  # the access token of before has expired
    await until(ada, f"{path}/{hook['id']}", lambda hook: hook["failed_attempts"] == 2)
    clock.advance(hours=2)
    ada = await log_in(http, "ada@example.com")
    paused = await until(ada, f"{path}/{hook['id']}", lambda hook: hook["paused_at"] is not None)

    assert (paused["pause_reason"], paused["delivered_number"]) == ("failing", 0)
    assert "resume" in paused["notice"]
    assert hook["id"] in (await mailbox.wait_for(mails + 1))[-1]
    [event] = read(await ada.get(f"projects/{project_id}/audit_events", action="webhook.paused"))["items"]
    assert (event["actor_kind"], event["target_id"], event["details"]["reason"]) == ("operator", hook["id"], "failing")

    receiver.behave = answering(200)
    resumed = read(await ada.bare_post(f"{path}/{hook['id']}/resume"))
    assert (resumed["paused_at"], resumed["notice"], resumed["failing_since"]) == (None, None, None)
    await until(ada, f"{path}/{hook['id']}", lambda hook: hook["delivered_number"] == 1)
    assert receiver.numbers == [1, 1, 1, 1]


async def test_a_webhook_that_was_paused_by_hand_sends_what_waited_when_it_is_resumed(
    http: httpx.AsyncClient, mailbox: Mailbox, receiver: Receiver
) -> None:
    ada = await confirmed_user(http, mailbox, "ada@example.com")
    project_id = made(await ada.post("projects", {"name": "ours"}))["id"]
    path, report = f"projects/{project_id}/webhooks", await reporter(ada, project_id)
    hooks = [made(await ada.post(path, {"url": receiver.url, "label": label})) for label in ("paused", "other")]
    paused, other = (f"{path}/{hook['id']}" for hook in hooks)

    said = [read(await ada.bare_post(f"{paused}/pause")) for _ in range(2)]
    await report("1")
    await until(ada, other, lambda hook: hook["delivered_number"] == 1)

    assert said[0] == said[1] == read(await ada.get(paused))
    assert (said[0]["pause_reason"], said[0]["delivered_number"]) == ("by_hand", 0)
    assert "resume" in said[0]["notice"].lower()
    [event] = read(await ada.get(f"projects/{project_id}/audit_events", action="webhook.paused"))["items"]
    assert (event["actor_kind"], event["target_id"], event["details"]["reason"]) == ("user", hooks[0]["id"], "by_hand")

    read(await ada.bare_post(f"{paused}/resume"))
    await until(ada, paused, lambda hook: hook["delivered_number"] == 1)
    assert receiver.numbers == [1, 1]


async def reporter(user: Caller, project_id: str) -> Callable[[str], Any]:
    """A device of a project: reports a version."""
    device = made(await user.post(f"projects/{project_id}/devices", {"name": "one"}))["id"]
    key = made(await user.post(f"devices/{device}/api_keys", {}))

    async def report(version: str) -> None:
        answer = await Caller(user.http, (key["id"], key["secret"])).post(
            f"devices/{device}/firmware_version", {"version": version}
        )
        answer.raise_for_status()

    return report


async def test_attempts_come_later_and_later(
    admin: Caller, demo: Demo, path: str, receiver: Receiver, clock: Clock
) -> None:
    receiver.behave = answering(503)
    hook = made(await admin.post(path, {"url": receiver.url}))
    await run(admin.http, demo, "1")
    pauses: list[dt.timedelta] = []
    for attempt in range(1, 9):
        shown = await until(admin, f"{path}/{hook['id']}", lambda hook, n=attempt: hook["failed_attempts"] == n)
        pauses.append(dt.datetime.fromisoformat(shown["next_attempt_at"]) - clock.moment)
        clock.moment += pauses[-1]

    assert pauses[:7] == sorted(pauses[:7])
    assert dt.timedelta(seconds=4) < pauses[0] < dt.timedelta(seconds=7)
    assert dt.timedelta(hours=1.5) < min(pauses[6:])
    assert max(pauses) < dt.timedelta(hours=3)


async def test_410_pauses_at_once(admin: Caller, demo: Demo, path: str, receiver: Receiver) -> None:
    receiver.behave = answering(410)
    hook = made(await admin.post(path, {"url": receiver.url}))
    await run(admin.http, demo, "1")

    paused = await until(admin, f"{path}/{hook['id']}", lambda hook: hook["paused_at"] is not None)

    assert paused["pause_reason"] == "gone"
    assert len(receiver.received) == 1


async def test_a_webhook_whose_changes_are_not_kept_is_paused(  # noqa: PLR0913, PLR0917  a fault and its cure
    admin: Caller, server: Server, demo: Demo, path: str, receiver: Receiver, clock: Clock, database_url: str
) -> None:
    receiver.behave = answering(500, 200)
    hook = made(await admin.post(path, {"url": receiver.url}))
    await run(admin.http, demo, "1", "2", "3")
    await until(admin, f"{path}/{hook['id']}", lambda hook: hook["failed_attempts"] == 1)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update firmware_changes set numbered_at = '2026-01-01' where number <= 2")
    await server.services.feed.trim()

    clock.advance(minutes=1)
    paused = await until(admin, f"{path}/{hook['id']}", lambda hook: hook["paused_at"] is not None)

    assert paused["pause_reason"] == "changes_not_kept"
    assert "xport" in paused["notice"]
    assert refusal(await admin.bare_post(f"{path}/{hook['id']}/resume")) == (410, "gone")
    assert refusal(await admin.post(f"{path}/{hook['id']}/replay", {"after": 1})) == (410, "gone")
    read(await admin.post(f"{path}/{hook['id']}/replay", {"after": 2}))
    await receiver.wait_for(2)
    assert receiver.numbers == [1, 3]


async def test_a_test_says_what_the_receiver_answered(
    admin: Caller, path: str, receiver: Receiver, clock: Clock
) -> None:
    hook = made(await admin.post(path, {"url": receiver.url}))
    receiver.behave = answering(204, 404)

    good = read(await admin.bare_post(f"{path}/{hook['id']}/test"))
    clock.advance(seconds=1)
    bad = read(await admin.bare_post(f"{path}/{hook['id']}/test"))

    assert (good["status"], good["status_code"], good["error"], good["number"]) == ("delivered", 204, None, None)
    assert (bad["status"], bad["status_code"]) == ("failed", 404)
    assert receiver.received[0].message["type"] == "webhook.test"
    assert [one["id"] for one in await all_pages(admin, f"{path}/{hook['id']}/deliveries", page_size=1)] == [
        bad["id"],
        good["id"],
    ]
    assert read(await admin.get(f"{path}/{hook['id']}"))["failing_since"] is None


async def test_only_the_last_attempts_are_kept(  # noqa: PLR0913, PLR0917  a limit and a clock
    admin: Caller, demo: Demo, path: str, receiver: Receiver, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "KEPT_ATTEMPTS", 5)
    hook = made(await admin.post(path, {"url": receiver.url}))

    for number in range(1, 13):
        await run(admin.http, demo, str(number))
        await receiver.wait_for(number)
        clock.advance(seconds=1)

    await until(admin, f"{path}/{hook['id']}", lambda hook: hook["delivered_number"] == 12)
    listed = await until(admin, f"{path}/{hook['id']}/deliveries", lambda page: len(page["items"]) <= 5)
    assert {one["number"] for one in listed["items"]} == {8, 9, 10, 11, 12}


async def test_secrets_are_shown_once(admin: Caller, path: str) -> None:
    hook = made(await admin.post(path, {"url": "http://127.0.0.1:9999/"}))

    assert hook["secret"].startswith("whsec_")
    assert "secret" not in read(await admin.get(f"{path}/{hook['id']}"))
    assert "secret" not in read(await admin.get(path))["items"][0]
    events = read(await admin.get(path.replace("webhooks", "audit_events")))
    assert hook["secret"].removeprefix("whsec_") not in str(events)


async def test_a_webhook_is_changed_and_deleted(
    admin: Caller, demo: Demo, path: str, receiver: Receiver, clock: Clock
) -> None:
    hook = made(await admin.post(path, {"url": receiver.url, "component": "modem", "kinds": ["opened"]}))
    of = f"{path}/{hook['id']}"

    clock.advance(seconds=1)
    changed = read(await admin.patch(of, {"component": "", "kinds": [], "label": "all"}))
    assert (changed["component"], changed["kinds"], changed["label"]) == (None, [], "all")
    await run(admin.http, demo, "1")
    await receiver.wait_for(1)
    await until(admin, of, lambda hook: hook["delivered_number"] == 1)

    clock.advance(seconds=1)
    assert (await admin.delete(of)).status_code == 204
    assert refusal(await admin.get(of)) == (404, "not_found")
    trail = read(await admin.get(f"projects/{demo.project_id}/audit_events"))["items"]
    assert [one["action"] for one in trail if "webhook" in one["action"]] == [
        "webhook.deleted",
        "webhook.changed",
        "webhook.created",
    ]


async def test_a_project_has_ten_webhooks_at_most(admin: Caller, path: str) -> None:
    for _ in range(10):
        made(await admin.post(path, {"url": "http://127.0.0.1:9999/"}))

    assert refusal(await admin.post(path, {"url": "http://127.0.0.1:9999/"})) == (409, "conflict")


async def test_a_deleted_project_leaves_no_webhook(  # noqa: PLR0913, PLR0917  all that is left is looked at
    admin: Caller, server: Server, demo: Demo, path: str, receiver: Receiver, clock: Clock, database_url: str
) -> None:
    hook = made(await admin.post(path, {"url": receiver.url}))
    read(await admin.bare_post(f"{path}/{hook['id']}/test"))
    name = read(await admin.get(f"projects/{demo.project_id}"))["name"]
    await admin.delete(f"projects/{demo.project_id}", name=name)

    await server.services.sweeper.sweep(clock.moment)

    with psycopg.connect(database_url, autocommit=True) as conn:
        left = conn.execute("select (select count(*) from webhooks), (select count(*) from webhook_deliveries)")
        assert left.fetchone() == (0, 0)
