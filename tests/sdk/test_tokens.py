"""How a client gets access tokens and uses them: from the real server, and from one that may misbehave."""

from __future__ import annotations

import base64

import attrs
import psycopg
import pytest

from firmtrail import AsyncClient, InvalidClientError, PermissionDeniedError
from tests.sdk.granting import (
    DEVICE,
    ONE_TOKEN,
    REFUSED,
    REPORT,
    SECRET,
    TOKEN,
    Hands,
    Report,
    asked,
    authorization,
    granting,
)
from tests.sdk.misbehaving import MisbehavingServer, answering
from tests.sdk.policies import with_policy
from tests.sdk.test_client import key
from tests.served import Server
from tests.server.conftest import Clock, Demo


async def test_a_token_is_got_with_the_key_and_serves_every_call(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [granting(), REPORT, REPORT, REPORT]

    await report(misbehaving.url, times=3)

    assert asked(misbehaving) == [*ONE_TOKEN, "firmware_version Bearer", "firmware_version Bearer"]
    heads = [request.decode() for request in misbehaving.requests]
    assert authorization(heads[0]) == "Basic " + base64.b64encode(f"id:{SECRET}".encode()).decode()
    assert heads[0].endswith("\r\n\r\ngrant_type=client_credentials")
    assert authorization(heads[1]) == f"Bearer {TOKEN}"


async def test_with_basic_the_key_itself_is_sent(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [REPORT]

    await report(misbehaving.url, auth="basic")

    assert asked(misbehaving) == ["firmware_version Basic"]


async def test_a_call_that_needs_no_key_needs_no_token(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(403)]
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}") as client:
        with pytest.raises(PermissionDeniedError):
            await client.seed()

    assert len(misbehaving.requests) == 1


@pytest.mark.parametrize(("random", "share"), [(0.0, 0.75), (0.5, 0.8), (1.0, 0.85)])
async def test_a_token_is_replaced_when_about_four_fifths_of_its_life_are_over(
    misbehaving: MisbehavingServer, random: float, share: float
) -> None:
    hands = Hands()
    policy = attrs.evolve(hands.policy, random=lambda: random)
    misbehaving.behaviours = [granting("first"), REPORT, REPORT, granting("second"), REPORT]
    async with with_policy(AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", timeout=5), policy) as client:
        await client.firmware.report(DEVICE, "1")
        hands.now = 1000 + 900 * share - 0.01
        await client.firmware.report(DEVICE, "1")
        hands.now = 1000 + 900 * share + 0.01
        await client.firmware.report(DEVICE, "1")

    sent = [authorization(request.decode()) for request in misbehaving.requests[1:]]
    assert [sent[0], sent[1], sent[3]] == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_that_is_refused_is_replaced_once_and_the_call_repeated(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [granting("old"), REFUSED, granting("new"), REPORT]

    await report(misbehaving.url)

    assert asked(misbehaving) == ONE_TOKEN * 2
    assert authorization(misbehaving.requests[3].decode()) == "Bearer new"


async def test_a_real_servers_token_serves_until_the_server_forgets_it(
    server: Server, demo: Demo, clock: Clock
) -> None:
    async with AsyncClient(server.url, api_key=key(demo.device_key)) as client:
        await client.firmware.report(demo.device_id, "1")
        clock.advance(hours=1)  # the server's alone, as when the machine of the client was asleep
        receipt = await client.firmware.report(demo.device_id, "2")

    assert receipt.version == "2"


async def test_a_deleted_key_is_an_invalid_client(server: Server, demo: Demo, database_url: str) -> None:
    async with AsyncClient(server.url, api_key=key(demo.device_key)) as client:
        await client.firmware.report(demo.device_id, "1")
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("delete from api_keys where id = %s", [demo.device_key[0]])
        with pytest.raises(InvalidClientError):
            await client.firmware.report(demo.device_id, "2")


async def test_basic_works_at_a_real_server_too(server: Server, demo: Demo) -> None:
    async with AsyncClient(server.url, api_key=key(demo.device_key), auth="basic") as client:
        assert (await client.firmware.report(demo.device_id, "1")).version == "1"
