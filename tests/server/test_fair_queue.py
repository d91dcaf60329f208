"""The queue before bcrypt: guessers fill their own part of it, and everybody else gets through."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest

from firmtrail_server.auth.fair_queue import FairQueue
from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_AN_ADDRESS
from firmtrail_server.errors import CredentialQueueFull
from firmtrail_server.settings import Settings
from tests.server.callers import PASSWORD, Caller, read
from tests.server.server_process import serving

GUESSERS = {"X-Forwarded-For": "192.0.2.1"}
PATIENCE_SECONDS = 60
ELSEWHERE = {"X-Forwarded-For": "198.51.100.1"}


@pytest.fixture
def settings() -> Settings:
    return Settings(trusted_proxies=(ip_network("127.0.0.0/8"),), password_cost=10)


async def login(http: httpx.AsyncClient, email: str, password: str, headers: dict[str, str]) -> httpx.Response:
    form = {"grant_type": "password", "username": email, "password": password}
    return await http.post("/v1/oauth/token", data=form, headers=headers, timeout=PATIENCE_SECONDS)


@asynccontextmanager
async def guessing(http: httpx.AsyncClient, *addresses: str) -> AsyncGenerator[None]:
    """Send 48 guesses at once, and begin when the first finds the queue full."""
    guesses = [
        asyncio.create_task(
            login(http, f"user{number}@example.com", "a guess", {"X-Forwarded-For": addresses[number % len(addresses)]})
        )
        for number in range(48)
    ]
    for guess in asyncio.as_completed(guesses):
        if (await guess).status_code == 503:
            break
    yield
    await asyncio.gather(*guesses)


async def test_guessers_shut_out_no_login_from_elsewhere(http: httpx.AsyncClient, ada: Caller) -> None:
    async with guessing(http, "192.0.2.1"):
        read(await login(http, "ada@example.com", PASSWORD, ELSEWHERE))


async def test_guessers_of_many_networks_shut_out_no_sign_up_and_no_new_password(
    http: httpx.AsyncClient, ada: Caller
) -> None:
    change = {"current_password": PASSWORD, "new_password": "another password"}
    user = {"email": "eve@example.com", "name": "Eve", "password": PASSWORD}
    async with guessing(http, "2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:2::2", "192.0.2.1"):
        http.timeout = PATIENCE_SECONDS
        signed_up = http.post("/v1/users", json=user, headers=ELSEWHERE)
        changed = http.put("/v1/users/me/password", json=change, headers=ELSEWHERE, auth=ada.auth)
        answers = await asyncio.gather(signed_up, changed)

    assert [answer.status_code for answer in answers] == [202, 200]


async def too_many_guesses(http: httpx.AsyncClient) -> set[int]:
    emails = [f"user{number}@example.com" for number in range(MAX_FAILURES_OF_AN_ADDRESS)]
    answers = await asyncio.gather(*(login(http, email, "a guess", GUESSERS) for email in emails))
    return {answer.status_code for answer in answers}


async def test_a_guess_that_finds_no_place_is_counted(http: httpx.AsyncClient) -> None:
    assert await too_many_guesses(http) == {400, 503}

    assert (await login(http, "another@example.com", "a guess", GUESSERS)).status_code == 429


def from_address(address: str, url: str) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(local_address=address, limits=httpx.Limits(max_connections=None))
    return httpx.AsyncClient(base_url=url, transport=transport)


async def test_guessers_at_one_address_shut_out_no_login_from_another_of_a_real_server(database_url: str) -> None:
    ada = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
    with serving(FIRMTRAIL_DATABASE_URL=database_url, FIRMTRAIL_SIGN_UP="open") as url:
        async with from_address("127.0.0.1", url) as http, from_address("127.0.0.2", url) as guesser:
            (await http.post("/v1/users", json=ada)).raise_for_status()
            emails = [f"user{number}@example.com" for number in range(MAX_FAILURES_OF_AN_ADDRESS)]
            guesses = [asyncio.create_task(login(guesser, email, "a guess", {})) for email in emails]
            await next(asyncio.as_completed(guesses))

            read(await login(http, "ada@example.com", PASSWORD, {}))

            assert {guess.status_code for guess in await asyncio.gather(*guesses)} == {400, 503}
            assert (await login(guesser, "ada@example.com", PASSWORD, {})).status_code == 429
            read(await login(http, "ada@example.com", PASSWORD, {}))


async def test_wrong_passwords_from_an_address_stop_no_sign_up_from_there(http: httpx.AsyncClient) -> None:
    await too_many_guesses(http)

    user = {"email": "eve@example.com", "name": "Eve", "password": PASSWORD}
    assert (await http.post("/v1/users", json=user, headers=GUESSERS)).status_code == 202


async def test_networks_take_turns() -> None:
    order: list[str] = []
    async with blocked(FairQueue(threads=1, max_waiting=20)) as queue:
        waiting = [
            asyncio.create_task(queue.run(network, order.append, f"{network}{number}"))
            for network in ("a", "b", "c")
            for number in range(2)
        ]
        await asyncio.sleep(0)

    await asyncio.gather(*waiting)
    assert order == ["a0", "b0", "c0", "a1", "b1", "c1"]


async def test_who_comes_to_a_full_queue_takes_the_last_place_of_the_longest_line() -> None:
    async with blocked(FairQueue(threads=1, max_waiting=5)) as queue:
        waiting = [asyncio.create_task(queue.run(network, str)) for network in ("a", "a", "b", "b", "c", "d", "e")]
        await asyncio.sleep(0)

    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert ["full" if isinstance(one, CredentialQueueFull) else one for one in results] == [
        "", "full", "", "full", "", "", "full"
    ]  # fmt: skip


async def test_a_request_that_is_given_up_leaves_its_turn_to_the_next() -> None:
    async with blocked(FairQueue(threads=1, max_waiting=5)) as queue:
        given_up, next_one = (asyncio.create_task(queue.run(network, str)) for network in "ab")
        await asyncio.sleep(0)
        given_up.cancel()

    assert await next_one == ""
    assert queue.waiting == 0


@asynccontextmanager
async def blocked(queue: FairQueue) -> AsyncGenerator[FairQueue]:
    """Let its only thread be busy while the block lasts."""
    release = threading.Event()
    busy = asyncio.create_task(queue.run("busy", release.wait))
    await asyncio.sleep(0)
    yield queue
    release.set()
    await busy
