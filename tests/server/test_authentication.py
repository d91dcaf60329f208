"""Credentials are checked once in a while, keys at every request, and guessing gets nowhere."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
import uuid
from collections.abc import AsyncGenerator, Callable
from ipaddress import ip_network

import attrs
import bcrypt
import httpx
import psycopg
import pytest

from firmtrail_server.app import create_app
from firmtrail_server.auth.access_tokens import Claims
from firmtrail_server.auth.credentials import SecretChecker, SecretPrefix, new_secret
from firmtrail_server.auth.failure_counts import Counted, FailureMemory
from firmtrail_server.auth.login_throttle import MAX_FAILURES_OF_A_KEY, MAX_FAILURES_OF_AN_ADDRESS, LoginThrottle
from firmtrail_server.auth.token_cache import TokenCache
from firmtrail_server.errors import CredentialQueueFull, TooManyFailures
from firmtrail_server.http.route import Route
from firmtrail_server.routes import ROUTES
from firmtrail_server.settings import Settings
from tests.served import Server, serving
from tests.server.callers import Caller
from tests.server.conftest import Clock, Demo

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
_READING = {"boot_id": "0e6b3f4a-3c8f-4a7e-9a53-5a3a5f1d0001", "boot_sequence": 1, "boot_time_ms": 1}
#: a body for each route that finds the key alive itself
GOOD = {
    "/v1/devices/{device_id}/firmware_version": b'{"version": "2"}',
    "/v1/devices/{device_id}/firmware_reports": json.dumps({"sent": _READING, "records": []}).encode(),
}
HERE = "192.0.2.1"


@pytest.fixture
def settings() -> Settings:
    return Settings(seed_enabled=True, trusted_proxies=(ip_network("127.0.0.0/8"),))


@pytest.fixture
async def second(settings: Settings, database_url: str, clock: Clock) -> AsyncGenerator[httpx.AsyncClient]:
    """Another server on the same database."""
    async with (
        serving(create_app(settings, database_url, clock=clock)) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        yield client


Call = Callable[[httpx.AsyncClient, Demo], asyncio.Task[httpx.Response]]


def report(http: httpx.AsyncClient, demo: Demo, **headers: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(http.post(demo.path, auth=demo.device_key, json={"version": "1"}, headers=headers))


def read(http: httpx.AsyncClient, demo: Demo) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(http.get(demo.path, auth=demo.project_key))


def report_errors(http: httpx.AsyncClient, demo: Demo) -> asyncio.Task[httpx.Response]:
    """A batch that says of no version stores no report, so nothing else asks whether its key is alive."""
    reading = {"boot_id": demo.device_id, "boot_sequence": 1, "boot_time_ms": 1}
    failed = {"first_observed": reading, "components": [{"component": "main", "error": "cannot be read"}]}
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    return asyncio.create_task(http.post(path, auth=demo.device_key, json={"sent": reading, "records": [failed]}))


def report_as_project(http: httpx.AsyncClient, demo: Demo) -> asyncio.Task[httpx.Response]:
    """Only a device may; and who does not live any more is not told even that."""
    return report(http, attrs.evolve(demo, device_key=demo.project_key))


def guess(http: httpx.AsyncClient, demo: Demo, address: str) -> asyncio.Task[httpx.Response]:
    wrong = attrs.evolve(demo, device_key=(demo.device_key[0], new_secret(SecretPrefix.DEVICE)))
    return report(http, wrong, **{"X-Forwarded-For": address})


async def change_keys(database_url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        await conn.execute(statement.encode())


async def test_a_token_is_checked_once_and_then_remembered(server: Server, http: httpx.AsyncClient, demo: Demo) -> None:
    granted = await http.post("/v1/oauth/token", auth=demo.device_key, data={"grant_type": "client_credentials"})
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    for _ in range(3):
        (await http.post(demo.path, json={"version": "1"}, headers=bearer)).raise_for_status()

    cache = server.services.authentication.token_cache
    assert (cache.misses, cache.hits) == (1, 2)


async def test_a_key_without_a_digest_is_checked_by_bcrypt_once(
    http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    digests = "select secret_digest from api_keys where device_id is not null"
    await change_keys(database_url, "update api_keys set secret_digest = null")

    assert (await report(http, demo)).status_code == 201
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        filled = await (await conn.execute(digests)).fetchall()
    assert (await report(http, demo)).status_code == 200
    assert (await read(http, demo)).status_code == 200

    assert filled != [(None,)]


@pytest.mark.parametrize("call", [report, read])
async def test_a_key_works_on_after_the_signing_key_was_replaced(
    http: httpx.AsyncClient, second: httpx.AsyncClient, demo: Demo, call: Call
) -> None:
    """Two servers with different signing keys are what a replacement looks like while it is under way."""
    for server in (http, second, http, second):
        assert (await call(server, demo)).status_code in {200, 201}


#: what ends the key of a device, one way or another
ENDS = {
    "deleted": "delete from api_keys where device_id is not null",
    "expired": "update api_keys set expires_at = '2026-01-01Z'",
    "project deleted": "update projects set deleted_at = now()",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("route", [route for route in ROUTES if route.checks_liveness], ids=lambda one: one.path)
@pytest.mark.parametrize("body", [b"{}", b"not JSON", None], ids=["invalid", "malformed", "good"])
async def test_a_route_that_finds_the_key_alive_itself_refuses_a_dead_one(  # noqa: PLR0913, PLR0917  ways to end, bodies
    http: httpx.AsyncClient, demo: Demo, database_url: str, route: Route, end: str, body: bytes | None
) -> None:
    path = route.path.format(device_id=demo.device_id)
    await report(http, demo)
    await change_keys(database_url, end)

    answer = await http.post(
        path, auth=demo.device_key, content=body or GOOD[route.path], headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 401
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        assert await (await conn.execute("select sum(report_count) from device_firmware")).fetchone() == (1,)


@pytest.mark.parametrize("credential", ["a token", "a secret"])
async def test_the_key_of_a_retired_device_is_refused(
    http: httpx.AsyncClient, demo: Demo, admin: Caller, credential: str
) -> None:
    granted = await http.post("/v1/oauth/token", auth=demo.device_key, data={"grant_type": "client_credentials"})
    bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    await admin.post(f"devices/{demo.device_id}/retire", {})

    if credential == "a token":
        answer = await http.post(demo.path, json={"version": "1"}, headers=bearer)
    else:
        answer = await report(http, demo)

    assert answer.status_code == 401


async def test_a_right_key_is_not_refused_for_the_guesses_of_its_neighbours(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    guesses = [(str(uuid.uuid4()), new_secret(SecretPrefix.DEVICE)) for _ in range(MAX_FAILURES_OF_AN_ADDRESS + 1)]
    refused = [await http.post(demo.path, auth=guess, json={"version": "1"}) for guess in guesses]

    assert {answer.status_code for answer in refused} == {401}
    assert (await report(http, demo)).status_code == 201
    assert (await read(http, demo)).status_code == 200


@pytest.mark.parametrize("call", [report, report_errors, read, report_as_project])
async def test_a_key_deleted_through_one_server_is_refused_by_another_at_the_next_request(
    http: httpx.AsyncClient, second: httpx.AsyncClient, demo: Demo, database_url: str, call: Call
) -> None:
    for server in (http, second):
        assert (await call(server, demo)).status_code in {200, 201, 403}

    await change_keys(database_url, "delete from api_keys")

    for server in (http, second):
        assert (await call(server, demo)).status_code == 401


async def test_a_key_deleted_while_a_body_is_on_its_way_is_refused(
    server: Server, demo: Demo, database_url: str
) -> None:
    credential = base64.b64encode(":".join(demo.project_key).encode()).decode()
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        f"POST /v1/projects/{demo.project_id}/api_keys HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credential}\r\n"
        "Content-Type: application/json\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        asked = await reader.readuntil(b"\r\n\r\n")  # which a server does not do before it has let somebody in
        await change_keys(database_url, "delete from api_keys")
        writer.write(b'{"role": "admin"}')
        answer = await reader.readline()
    writer.close()

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("call", [report, report_errors, read])
async def test_a_remembered_key_is_refused_from_the_moment_it_expires(
    http: httpx.AsyncClient, demo: Demo, database_url: str, clock: Clock, call: Call
) -> None:
    assert (await call(http, demo)).is_success
    await change_keys(database_url, f"update api_keys set expires_at = '{clock.moment + dt.timedelta(minutes=5)}'")

    assert (await call(http, demo)).is_success
    clock.advance(minutes=5)

    assert (await call(http, demo)).status_code == 401


async def test_wrong_secrets_for_a_key_are_limited_where_they_come_from(http: httpx.AsyncClient, demo: Demo) -> None:
    for _ in range(MAX_FAILURES_OF_A_KEY):
        assert (await guess(http, demo, "192.0.2.1")).status_code == 401

    refused = await guess(http, demo, "192.0.2.1")

    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (await report(http, demo, **{"X-Forwarded-For": "192.0.2.2"})).is_success


async def test_guesses_that_arrive_at_one_moment_are_told_no_more_than_those_that_come_one_by_one(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    at_once = 3 * MAX_FAILURES_OF_A_KEY

    answers = await asyncio.gather(*(guess(http, demo, "192.0.2.1") for _ in range(at_once)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(401), statuses.count(429)) == (MAX_FAILURES_OF_A_KEY, at_once - MAX_FAILURES_OF_A_KEY)


async def test_guesses_do_not_shut_out_a_device_that_is_known(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, **{"X-Forwarded-For": "192.0.2.1"})
    for _ in range(MAX_FAILURES_OF_A_KEY + 1):
        await guess(http, demo, "192.0.2.1")

    assert (await report(http, demo, **{"X-Forwarded-For": "192.0.2.1"})).is_success


async def test_two_hundred_guesses_stop_no_right_key_from_the_same_address(
    http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    here = {"X-Forwarded-For": HERE}
    for _ in range(20):
        auths = [(str(uuid.uuid4()), new_secret(SecretPrefix.DEVICE)) for _ in range(10)]
        guesses = await asyncio.gather(*(http.get(demo.path, auth=auth, headers=here) for auth in auths))
        assert {answer.status_code for answer in guesses} == {401}

    grant = {"grant_type": "client_credentials"}
    answers = [
        await report(http, demo, **here),
        await http.get(demo.path, auth=demo.project_key, headers=here),
        await http.post("/v1/oauth/token", data=grant, auth=demo.device_key, headers=here),
    ]
    assert [answer.is_success for answer in answers] == [True] * 3

    await change_keys(database_url, "update api_keys set secret_digest = null")  # as of a key older than digests
    assert (await report(http, demo, **here)).is_success


async def test_guesses_do_not_shut_out_a_right_secret_that_bcrypt_must_check(
    http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    await change_keys(database_url, "update api_keys set secret_digest = null")
    for _ in range(MAX_FAILURES_OF_A_KEY + 1):
        await guess(http, demo, HERE)
    assert (await guess(http, demo, HERE)).status_code == 429

    assert (await report(http, demo, **{"X-Forwarded-For": HERE})).is_success


async def test_an_address_is_taken_from_trusted_proxies_only(http: httpx.AsyncClient, demo: Demo) -> None:
    for number in range(MAX_FAILURES_OF_A_KEY):
        await guess(http, demo, f"198.51.100.{number}, 192.0.2.1, 127.0.0.7")

    assert (await guess(http, demo, "203.0.113.1, 192.0.2.1")).status_code == 429


async def test_what_is_no_address_is_not_taken_for_one(http: httpx.AsyncClient, demo: Demo) -> None:
    for number in range(MAX_FAILURES_OF_A_KEY):
        await guess(http, demo, f"{number}.example")

    assert (await guess(http, demo, "another.example")).status_code == 429


@attrs.define
class Stopwatch:
    seconds: float = 0

    def __call__(self) -> float:
        return self.seconds


def test_a_limit_ends_with_its_period() -> None:
    stopwatch = Stopwatch()
    limits = LoginThrottle(FailureMemory().table(Counted.PASSWORDS), stopwatch)
    for _ in range(MAX_FAILURES_OF_A_KEY):
        limits.add("key", "192.0.2.1")

    with pytest.raises(TooManyFailures):
        limits.check("key", "192.0.2.1")
    stopwatch.seconds = 60
    limits.check("key", "192.0.2.1")


def test_a_right_one_among_too_many_wrong_ones_is_not_told_so() -> None:
    limits = LoginThrottle(FailureMemory().table(Counted.PASSWORDS), Stopwatch())
    limits.check("key", "192.0.2.1")
    for _ in range(MAX_FAILURES_OF_A_KEY):
        limits.note_result("key", "192.0.2.1", is_right=False)

    with pytest.raises(TooManyFailures):
        limits.note_result("key", "192.0.2.1", is_right=True)


@pytest.mark.parametrize(("one", "another"), [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::ffff:2")])
def test_an_address_is_limited_over_all_keys_and_by_any_of_its_names(one: str, another: str) -> None:
    limits = LoginThrottle(FailureMemory().table(Counted.PASSWORDS), Stopwatch())
    for number in range(MAX_FAILURES_OF_AN_ADDRESS):
        limits.add(f"key {number}", one)

    with pytest.raises(TooManyFailures):
        limits.check("a key of its own", another)
    limits.check("a key of its own", "2001:db8:0:1::1")


async def test_a_full_queue_of_secrets_refuses_the_next_and_checks_the_others() -> None:
    secret = new_secret(SecretPrefix.DEVICE)
    secret_hash = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(10))  # slow enough to be still at it
    checker = SecretChecker(max_waiting=2)

    checked = await asyncio.gather(
        *(checker.matches(secret, secret_hash, HERE) for _ in range(3)), return_exceptions=True
    )

    assert checked[:2] == [True, True]
    assert isinstance(checked[2], CredentialQueueFull)
    assert await checker.matches(secret, None, HERE) is False
    assert checker.waiting == 0
    checker.close()


CLAIMS = Claims(subject_id=uuid.UUID(int=1), epoch=None, scopes=frozenset(), expires_at=NOW + dt.timedelta(hours=1))


def test_what_is_remembered_is_bounded_in_number_and_time() -> None:
    cache = TokenCache(max_entries=2)
    for token in "abc":
        cache.add(token, CLAIMS, NOW)

    assert [cache.find(token, NOW) is not None for token in "abc"] == [False, True, True]
    assert cache.find("c", NOW + dt.timedelta(minutes=10)) is None


def test_a_token_that_expires_is_remembered_no_longer_than_that() -> None:
    cache = TokenCache()
    cache.add("a", attrs.evolve(CLAIMS, expires_at=NOW + dt.timedelta(seconds=30)), NOW)

    assert cache.find("a", NOW + dt.timedelta(seconds=29)) is not None
    assert cache.find("a", NOW + dt.timedelta(seconds=30)) is None


def test_no_token_can_be_read_from_what_is_remembered() -> None:
    cache = TokenCache()
    cache.add("secret-word", CLAIMS, NOW)

    assert "secret-word" not in repr(vars(cache))
