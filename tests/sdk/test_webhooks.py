"""Webhooks by the SDK and by `firmtrail webhooks`: made, tried, followed, replayed and deleted."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from ipaddress import ip_network

import httpx
import pytest

from firmtrail import AsyncClient, Client, InvalidRequestError, NotFoundError
from firmtrail_contract import ChangeKind, DeliveryStatus
from firmtrail_server.settings import Settings
from firmtrail_server.webhooks import deliverer
from tests.sdk.shell import Shell
from tests.served import Server
from tests.server.conftest import Demo
from tests.server.webhook_receivers import Receiver, answering, receiving


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(deliverer, "_SECONDS_BETWEEN_TRIES", 0.02)


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, password_cost=4, webhook_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def report(http: httpx.AsyncClient, demo: Demo, *versions: str) -> None:
    for version in versions:
        (await http.post(demo.path, json={"version": version}, auth=demo.device_key)).raise_for_status()


async def test_the_async_client_makes_follows_and_deletes_a_webhook(
    server: Server, http: httpx.AsyncClient, demo: Demo, receiver: Receiver
) -> None:
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        hook = await client.webhooks.create(receiver.url, label="alerts", kinds=["opened"], labels={"site": None})
        changed = await client.webhooks.update(hook.id, label="all", labels={})
        await report(http, demo, "1", "2")
        await receiver.wait_for(2)
        again = await client.webhooks.replay(hook.id, after=1)
        await receiver.wait_for(3)
        tested = await client.webhooks.test(hook.id)
        rotated = await client.webhooks.rotate_secret(hook.id, overlap_seconds=60)
        listed = [one async for one in client.webhooks.list()]
        attempts = [one async for one in client.webhooks.deliveries(hook.id)]
        await client.webhooks.delete(hook.id)
        with pytest.raises(NotFoundError):
            await client.webhooks.get(hook.id)

    assert hook.secret not in repr(hook)
    assert rotated.secret != hook.secret
    assert (hook.kinds, hook.labels, changed.label, changed.labels) == ([ChangeKind.OPENED], "site", "all", None)
    assert again.delivered_number >= 1
    assert [one.number for one in receiver.received[:3]] == [1, 2, 2]
    assert (tested.status, tested.status_code, tested.number) == (DeliveryStatus.DELIVERED, 204, None)
    assert [one.id for one in listed] == [hook.id]
    assert {one.number for one in attempts} >= {None, 1, 2}


async def test_the_sync_client_does_the_same(server: Server, demo: Demo, receiver: Receiver) -> None:
    def use() -> list[uuid.UUID]:
        with Client(server.url, api_key=":".join(demo.project_key)) as client:
            hook = client.webhooks.create(receiver.url)
            assert client.webhooks.test(hook.id).status is DeliveryStatus.DELIVERED
            assert client.webhooks.resume(hook.id).paused_at is None
            listed = [one.id for one in client.webhooks.list()]
            client.webhooks.delete(hook.id)
            return [*listed, *(one.id for one in client.webhooks.list())]

    assert len(await asyncio.to_thread(use)) == 1


async def test_a_url_that_leads_inside_is_refused_with_its_reason(server: Server, demo: Demo) -> None:
    async with AsyncClient(server.url, api_key=":".join(demo.project_key)) as client:
        with pytest.raises(InvalidRequestError, match="private"):
            await client.webhooks.create("https://169.254.169.254/latest/meta-data/")


async def test_the_command_makes_tries_and_deletes_a_webhook(keyed: Shell, receiver: Receiver) -> None:
    made = await keyed.one("webhooks", "create", receiver.url, "--label", "alerts", "--kind", "opened,moved")
    remark = await keyed.said("webhooks", "rotate-secret", made["id"], "--overlap", "2h")
    await keyed("webhooks", "update", made["id"], "--label", "pager", "--kind", "")
    receiver.behave = answering(500)
    tested = await keyed.one("webhooks", "test", made["id"])
    shown = await keyed.one("webhooks", "get", made["id"])
    deliveries = await keyed("webhooks", "deliveries", made["id"], "--json")
    listed = await keyed("webhooks", "list")
    await keyed("webhooks", "delete", made["id"], "--yes")

    assert made["kinds"] == ["opened", "moved"]
    assert "once" in remark
    assert (tested["status"], tested["status_code"]) == ("failed", 500)
    assert (shown["label"], shown["kinds"]) == ("pager", [])
    assert "secret" not in {name for name, value in shown.items() if value}
    assert [json.loads(line)["status_code"] for line in deliveries.splitlines()] == [500]
    assert "pager" in listed
    assert made["id"] not in await keyed("webhooks", "list")


async def test_the_command_replays_and_resumes(
    keyed: Shell, http: httpx.AsyncClient, demo: Demo, receiver: Receiver
) -> None:
    receiver.behave = answering(410, 204)
    made = await keyed.one("webhooks", "create", receiver.url)
    await report(http, demo, "1")
    await receiver.wait_for(1)
    async with asyncio.timeout(60):
        while (await keyed.one("webhooks", "get", made["id"]))["pause_reason"] != "gone":  # noqa: ASYNC110  a webhook tells nobody
            await asyncio.sleep(0.02)

    said = await keyed.said("webhooks", "get", made["id"])
    await keyed("webhooks", "resume", made["id"])
    await receiver.wait_for(2)
    await keyed("webhooks", "replay", made["id"], "--after", "0")
    await receiver.wait_for(3)
    paused = await keyed.one("webhooks", "pause", made["id"])
    assert paused["pause_reason"] == "by_hand"

    assert "410" in said
    assert receiver.numbers == [1, 1, 1]


async def test_the_command_says_what_is_wrong(keyed: Shell) -> None:
    assert "https" in await keyed.fails("webhooks", "create", "ftp://example.com/")
    assert "not" in await keyed.fails("webhooks", "get", str(uuid.uuid4()))
