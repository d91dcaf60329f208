"""How a client gets access tokens and uses them: from the real server, and from one that misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from firmtrail import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    Client,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    InvalidClientError,
    NotSentError,
    OAuthError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)
from firmtrail._retry import RetryPolicy
from tests.sdk.conftest import Behaviour, MisbehavingServer, answering, dripping, hanging_up
from tests.sdk.test_client import key
from tests.served import Server
from tests.server.conftest import Clock, Demo

DEVICE = "00000000-0000-4000-8000-000000000000"
SECRET, TOKEN = "ftd_hidden-word", "eyJ.hidden-token.x"
TAKEN = (
    '{"component": "main", "version": "1", "observed_at": "2026-05-03T12:00:00Z",'
    ' "observed_at_source": "device", "outcome": "opened"}'
)
REPORT = answering(201, TAKEN)
REFUSED = answering(401, WWW_Authenticate='Basic realm="x", Bearer realm="x", error="invalid_token"')


def granting(token: str = TOKEN, **changes: Any) -> Behaviour:
    granted = {"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "firmware:report"}
    return answering(200, json.dumps(granted | changes))


def oauth_error(status: int, error: str, **headers: str) -> Behaviour:
    return answering(status, json.dumps({"error": error, "error_description": "Do this."}), **headers)


@attrs.define
class Hands:
    """The client's clock, which the test sets, and no waiting."""

    now: float = 1000.0

    @property
    def policy(self) -> RetryPolicy:
        return RetryPolicy(clock=lambda: self.now, random=lambda: 0.0)


Report = Callable[..., Awaitable[object]]


async def report_async(url: str, times: int = 1, **options: Any) -> object:
    options = {"timeout": 5, "_policy": Hands().policy} | options
    async with AsyncClient(url, api_key=f"id:{SECRET}", **options) as client:
        return [await client.firmware.report(DEVICE, "1") for _ in range(times)]


async def report_sync(url: str, times: int = 1, **options: Any) -> object:
    options = {"timeout": 5, "_policy": Hands().policy} | options

    def use() -> object:
        with Client(url, api_key=f"id:{SECRET}", **options) as client:
            return [client.firmware.report(DEVICE, "1") for _ in range(times)]

    return await asyncio.to_thread(use)


@pytest.fixture(params=[report_async, report_sync])
def report(request: pytest.FixtureRequest) -> Report:
    return request.param


def asked(server: MisbehavingServer) -> list[str]:
    """What each request was for, and whose."""
    heads = [request.split(b"\r\n\r\n")[0].decode() for request in server.requests]
    return [f"{head.split(' ')[1].rpartition('/')[2]} {authorization(head).partition(' ')[0]}" for head in heads]


def authorization(head: str) -> str:
    (value,) = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("authorization:")]
    return value


ONE_TOKEN = ["token Basic", "firmware_version Bearer"]


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
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", timeout=5, _policy=policy) as client:
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


async def test_a_second_token_that_is_refused_is_an_authentication_error(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [granting("old"), REFUSED, granting("new"), REFUSED]

    with pytest.raises(AuthenticationError):
        await report(misbehaving.url)

    assert asked(misbehaving) == ONE_TOKEN * 2


async def test_another_401_is_no_reason_for_another_token(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [granting(), answering(401, WWW_Authenticate="Negotiate")]

    with pytest.raises(AuthenticationError):
        await report(misbehaving.url)

    assert asked(misbehaving) == ONE_TOKEN


async def test_a_key_that_is_refused_is_both_errors_one_would_expect(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [oauth_error(401, "invalid_client", X_Request_Id="r-1")]

    with pytest.raises(InvalidClientError) as refused:
        await report(misbehaving.url)

    assert isinstance(refused.value, AuthenticationError)
    assert isinstance(refused.value, OAuthError)
    assert (refused.value.error, refused.value.error_description) == ("invalid_client", "Do this.")
    assert (refused.value.status, refused.value.code, refused.value.request_id) == (401, "invalid_client", "r-1")
    assert str(refused.value) == "Do this. (401, invalid_client, request r-1)"


async def test_another_refusal_of_a_token_is_an_oauth_error(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [oauth_error(400, "moon_in_the_way")]

    with pytest.raises(OAuthError) as refused:
        await report(misbehaving.url)

    assert not isinstance(refused.value, AuthenticationError)
    assert refused.value.error == "moon_in_the_way"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (oauth_error(503, "temporarily_unavailable"), ServerError),
        (oauth_error(500, "server_error"), ServerError),
        (answering(429, "", Retry_After="3600"), RateLimitedError),
        (answering(403, "<html>"), PermissionDeniedError),
        (answering(302, "", Location="http://127.0.0.1:9/"), ApiError),
    ],
    ids=["503", "500", "429", "403", "302"],
)
async def test_an_answer_that_is_no_oauth_error_is_told_as_everywhere(
    misbehaving: MisbehavingServer, report: Report, answer: Behaviour, kind: type[ApiError]
) -> None:
    misbehaving.behaviours = [answer] * 3

    with pytest.raises(kind):
        await report(misbehaving.url)


async def test_a_server_without_the_endpoint_is_told_apart_with_what_to_do(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [answering(404)]

    with pytest.raises(ConfigError, match=r'auth="basic", or set FIRMTRAIL_AUTH=basic'):
        await report(misbehaving.url)


@pytest.mark.parametrize(
    "answer",
    [
        answering(200, ""),
        answering(200, "{}"),
        granting(token_type="mac"),
        granting(expires_in="900"),
        granting("two words"),
        granting("line\nbreak"),
        granting("t\u00f6ken"),
        granting(""),
        granting("x" * (17 * 1024 * 1024)),
    ],
    ids=range(9),
)
async def test_an_answer_without_a_usable_token_is_a_decode_error(
    misbehaving: MisbehavingServer, report: Report, answer: Behaviour
) -> None:
    misbehaving.behaviours = [answer]

    with pytest.raises(DecodeError):
        await report(misbehaving.url)

    assert len(misbehaving.requests) == 1


async def test_getting_a_token_is_repeated_after_a_fault_that_passes(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [hanging_up, answering(503), granting(), hanging_up, answering(503), REPORT]

    await report(misbehaving.url)

    assert asked(misbehaving) == ["token Basic"] * 3 + ["firmware_version Bearer"] * 3


async def test_three_attempts_to_get_a_token_are_all(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [hanging_up] * 4

    with pytest.raises(ConnectionLostError) as lost:
        await report(misbehaving.url)

    assert asked(misbehaving) == ["token Basic"] * 3
    assert not lost.value.maybe_applied


async def test_a_failure_is_not_remembered(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [oauth_error(401, "invalid_client"), granting(), REPORT]
    async with AsyncClient(misbehaving.url, api_key=f"id:{SECRET}") as client:
        with pytest.raises(InvalidClientError):
            await client.firmware.report(DEVICE, "1")
        await client.firmware.report(DEVICE, "1")

    assert asked(misbehaving) == ["token Basic", *ONE_TOKEN]


@pytest.mark.parametrize("behaviours", [[dripping], [granting(), dripping]], ids=["the token", "the call"])
async def test_getting_a_token_counts_into_the_calls_deadline(
    misbehaving: MisbehavingServer, report: Report, behaviours: list[Behaviour]
) -> None:
    misbehaving.behaviours = list(behaviours)

    with pytest.raises(DeadlineExceededError):
        await report(misbehaving.url, timeout=0.3, _policy=RetryPolicy())


async def test_an_unreachable_server_is_not_sent(report: Report) -> None:
    with pytest.raises(NotSentError):
        await report("http://127.0.0.1:9")


class Counting:
    """A server that counts, and holds back what it is asked for until the test lets go."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: Counter[str] = Counter()
        self.arrived, self.go = asyncio.Event(), asyncio.Event()
        self.refuses = refuses
        self.app = web.Application()
        self.app.router.add_post("/v1/oauth/token", self._token)
        self.app.router.add_post("/v1/devices/{device_id}/firmware_version", self._report)

    async def _token(self, _: web.Request) -> web.Response:
        self.asked["token"] += 1
        self.arrived.set()
        await self.go.wait()
        if self.refuses:
            return web.json_response({"error": "invalid_client", "error_description": "Do this."}, status=401)
        granted = {"access_token": f"t{self.asked['token']}", "token_type": "Bearer", "expires_in": 900, "scope": "x"}
        return web.json_response(granted)

    async def _report(self, request: web.Request) -> web.Response:
        self.asked[request.headers["Authorization"]] += 1
        return web.Response(text=TAKEN, content_type="application/json")


async def all_at_once(counting: Counting, report: Callable[[], Awaitable[object]]) -> list[object]:
    """Begin twenty calls, and let the token go when all of them can wait for it."""
    calls = [asyncio.ensure_future(report()) for _ in range(20)]
    await counting.arrived.wait()
    for _ in range(100):
        await asyncio.sleep(0)
    counting.go.set()
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_many_tasks_get_one_token() -> None:
    counting = Counting()
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        await all_at_once(counting, lambda: client.firmware.report(DEVICE, "1"))

    assert counting.asked == {"token": 1, "Bearer t1": 20}


async def test_many_threads_get_one_token() -> None:
    counting = Counting()
    async with TestServer(counting.app) as server:
        with Client(str(server.make_url("")), api_key=f"id:{SECRET}") as client:
            await all_at_once(counting, lambda: asyncio.to_thread(client.firmware.report, DEVICE, "1"))

    assert counting.asked == {"token": 1, "Bearer t1": 20}


async def test_those_who_wait_for_a_token_share_its_refusal_each_with_an_error_of_its_own() -> None:
    counting = Counting(refuses=True)
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        errors = await all_at_once(counting, lambda: client.firmware.report(DEVICE, "1"))

    assert counting.asked == {"token": 1}
    assert {type(error) for error in errors} == {InvalidClientError}
    assert len({id(error) for error in errors}) == 20


async def test_a_call_that_is_cancelled_while_it_gets_the_token_leaves_that_to_the_next() -> None:
    counting = Counting()
    async with (
        TestServer(counting.app) as server,
        AsyncClient(str(server.make_url("")), api_key=f"id:{SECRET}") as client,
    ):
        first, second = (asyncio.ensure_future(client.firmware.report(DEVICE, "1")) for _ in range(2))
        await counting.arrived.wait()
        first.cancel()
        counting.go.set()
        await second

    assert counting.asked["token"] == 2


async def test_who_waits_for_anothers_token_waits_no_longer_than_its_own_deadline() -> None:
    counting = Counting()
    async with TestServer(counting.app) as server:
        with Client(str(server.make_url("")), api_key=f"id:{SECRET}", timeout=0.5) as client:
            calls = [asyncio.to_thread(client.firmware.report, DEVICE, "1") for _ in range(3)]
            errors = await asyncio.gather(*calls, return_exceptions=True)
        counting.go.set()

    assert {type(error) for error in errors} == {DeadlineExceededError}
    assert not any(isinstance(error, DeadlineExceededError) and error.maybe_applied for error in errors)


async def test_one_async_client_can_be_used_in_one_event_loop_after_another() -> None:
    script = f"""
import asyncio, firmtrail
client = firmtrail.AsyncClient("http://127.0.0.1:9", api_key="id:secret", attempts=1)
async def use():
    calls = [client.firmware.report("{DEVICE}", "1") for _ in range(3)]
    return [type(error).__name__ for error in await asyncio.gather(*calls, return_exceptions=True)]
print(asyncio.run(use()) == asyncio.run(use()) == ["NotSentError"] * 3)
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("True\n", "")


#: A child forked while another thread of its parent holds the lock and waits for a token.
FORK = f"""
import http.server, json, os, threading
import firmtrail

arrived, go, granted = threading.Event(), threading.Event(), []

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/oauth/token":
            granted.append(1)
            if len(granted) == 1:
                arrived.set()
                go.wait()
            body = {{"access_token": "t", "token_type": "Bearer", "expires_in": 900, "scope": "x"}}
        else:
            body = {TAKEN}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = firmtrail.Client("http://127.0.0.1:%d" % server.server_address[1], api_key="id:secret", timeout=20)
report = lambda: client.firmware.report("{DEVICE}", "1").version

waiting = threading.Thread(target=report)
waiting.start()
arrived.wait()
child = os.fork()
if not child:
    print(report(), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
go.set()
waiting.join()
print(report(), len(granted), flush=True)
"""


def test_a_child_forked_while_a_token_is_awaited_gets_its_own() -> None:
    # Python 3.12 and later warn of any fork beside a thread; the threads here are what is tested.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n1 2\n", "")


@pytest.mark.parametrize(
    "behaviours",
    [
        [granting(), answering(403)],
        [granting(), answering(201, "x" * (17 * 1024 * 1024))],
        [granting(), REFUSED, oauth_error(401, "invalid_client")],
        [granting(access_token=7, leaked=TOKEN)],
    ],
    ids=["refused", "oversized", "outlived", "malformed"],
)
async def test_no_token_is_in_an_error_a_repr_a_log_or_a_traceback_with_local_variables(
    misbehaving: MisbehavingServer, report: Report, behaviours: list[Behaviour], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    misbehaving.behaviours = list(behaviours)

    with pytest.raises(FirmtrailError) as refused:
        await report(misbehaving.url)

    shown = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    shown = "".join(line for line in shown.splitlines() if "behaviours" not in line)  # the test's own variables
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    assert not any(secret in text for secret in (SECRET, TOKEN) for text in (shown, caplog.text, repr(refused.value)))


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
