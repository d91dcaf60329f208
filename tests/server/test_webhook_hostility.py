"""Receivers of webhooks that mean harm or are broken: each costs its own webhook an attempt, and no other."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import subprocess
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from firmtrail_server.webhooks import AddressRule, deliverer, deliveries, receivers
from tests.served import serving
from tests.server.callers import Caller, made, read
from tests.server.conftest import Clock, Demo
from tests.server.webhook_receivers import (
    PATIENCE_SECONDS,
    Behaviour,
    answering,
    breaking_off,
    busy,
    dripping,
    endless_head,
    hanging,
    informational_first,
    no_http,
    only_informational,
    receiving,
    redirecting,
)

RULE = AddressRule((ip_network("127.0.0.0/8"),))


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_TRIES", 0.02)


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, password_cost=4, webhook_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/webhooks"


async def run(admin: Caller, demo: Demo, *versions: str) -> None:
    for version in versions:
        (await admin.http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


@pytest.mark.parametrize(
    ("behave", "word"),
    [
        (hanging, "answer"),
        (dripping, "answer"),
        (breaking_off, "broke off"),
        (endless_head, "too large"),
        (no_http, "not HTTP"),
        (answering(500), "500"),
        (redirecting("http://169.254.169.254/latest/meta-data/"), "redirect"),
    ],
    ids=["hangs", "drips", "breaks off", "endless head", "no http", "500", "redirects"],
)
async def test_a_hostile_receiver_is_a_failed_attempt(
    behave: Behaviour, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receivers, "SECONDS", 0.5)
    async with receiving(behave) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert answer.error is not None
    assert word in answer.error
    assert len(answer.error) <= 250
    assert len(receiver.received) == 1


async def test_endless_informational_answers_are_not_read() -> None:
    async with receiving(only_informational) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert answer.error is not None
    assert "informational" in answer.error


async def test_an_answer_may_follow_informational_ones() -> None:
    async with receiving(informational_first) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert (answer.status_code, answer.error) == (204, None)


@pytest.mark.parametrize(("behave", "said"), [(no_http, "mail.example.com"), (breaking_off, "Content-Le")])
async def test_an_error_shows_nothing_that_a_service_said(behave: Behaviour, said: str) -> None:
    async with receiving(behave) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert answer.error is not None
    assert said not in answer.error


async def test_a_huge_answer_is_not_read() -> None:
    sent, block = 0, b"x" * 65_536

    async def huge(writer: asyncio.StreamWriter, _: int) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(block)
            await writer.drain()
            sent += len(block)

    async with receiving(huge) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert (answer.status_code, answer.error) == (200, None)
    assert sent < 100_000_000


async def test_a_receiver_that_hangs_delays_no_other(admin: Caller, demo: Demo, path: str) -> None:
    async with receiving(hanging) as slow, receiving() as receiver:
        for _ in range(4):
            made(await admin.post(path, {"url": slow.url}))
        made(await admin.post(path, {"url": receiver.url}))

        await run(admin, demo, "1", "2", "3")

        await receiver.wait_for(3)
        await slow.wait_for(4)
        assert (receiver.numbers, slow.numbers) == ([1, 2, 3], [1, 1, 1, 1])


@pytest.fixture
def strange_tls(tmp_path: Path) -> ssl.SSLContext:
    """A certificate that nobody has signed."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", tmp_path / "key", "-out", tmp_path / "certificate"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    return context


async def test_a_certificate_of_nobody_known_is_a_failed_attempt(strange_tls: ssl.SSLContext) -> None:
    came: list[object] = []

    def connected(*of: object) -> None:
        came.append(of)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=strange_tls)

    async with listening, receivers.Receivers(RULE) as ours:
        answer = await ours.send(f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/", b"{}", {})

    assert answer.error is not None
    assert "certificate" in answer.error
    assert came == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("7200", 7_200),
        ("7201", 7_200),
        ("9" * 4_000, 7_200),
        ("-5", 0),
        ("soon", 0),
        ("1e3", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 7_200),
        ("Fri, 99 Dec 9999 23:59:59 GMT", 0),
    ],
)
async def test_retry_after_is_read_up_to_two_hours(text: str, seconds: int) -> None:
    async with receiving(busy(text)) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert (answer.status_code, answer.retry_after) == (503, dt.timedelta(seconds=seconds))


async def test_retry_after_may_be_a_date() -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    async with receiving(busy(format_datetime(soon, usegmt=True))) as receiver, receivers.Receivers(RULE) as ours:
        answer = await ours.send(receiver.url, b"{}", {})

    assert dt.timedelta(minutes=50) < answer.retry_after < dt.timedelta(minutes=61)


async def test_the_next_attempt_waits_for_retry_after(admin: Caller, demo: Demo, path: str, clock: Clock) -> None:
    async with receiving(busy("600")) as receiver:
        hook = made(await admin.post(path, {"url": receiver.url}))
        await run(admin, demo, "1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (shown := read(await admin.get(f"{path}/{hook['id']}")))["failed_attempts"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    assert dt.datetime.fromisoformat(shown["next_attempt_at"]) - clock.moment == dt.timedelta(seconds=600)


async def test_a_hundred_refusals_keep_the_order_and_a_bounded_list(
    admin: Caller, demo: Demo, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_PAUSE_SECONDS", (0,))
    monkeypatch.setattr(deliveries, "KEPT_ATTEMPTS", 20)
    async with receiving(answering(*[500] * 100, 204)) as receiver:
        made(await admin.post(path, {"url": receiver.url}))
        await run(admin, demo, "1", "2")

        await receiver.wait_for(102)
        listed = read(await admin.get(f"{path}/{read(await admin.get(path))['items'][0]['id']}/deliveries"))

    assert receiver.numbers == [1] * 101 + [2]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
    assert len(listed["items"]) <= 20 + 2


@pytest.mark.usefixtures("server")
async def test_two_servers_deliver_each_change_once(
    admin: Caller, demo: Demo, path: str, settings: Settings, database_url: str
) -> None:
    async with receiving() as receiver, serving(create_app(settings, database_url)):
        made(await admin.post(path, {"url": receiver.url}))
        await run(admin, demo, *map(str, range(30)))
        await receiver.wait_for(30)
        made(await admin.post(path, {"url": receiver.url}))  # whatever else would come, comes before its first one
        await run(admin, demo, "last")
        await receiver.wait_for(32)

    assert receiver.numbers == [*range(1, 31), 31, 31]
