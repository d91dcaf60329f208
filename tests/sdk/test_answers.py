"""What is made of an answer: errors in our words, that say what to do and carry nothing of the HTTP library."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import gzip
import json
import traceback
import tracemalloc
from collections.abc import Awaitable, Callable
from email.utils import format_datetime

import pytest

from firmtrail import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    Client,
    ConflictError,
    ConnectionLostError,
    CredentialsError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    PayloadTooLargeError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    ServerError,
)
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering, hanging_up

SECRET = "ftp_hidden-word"

Seed = Callable[..., Awaitable[FirmtrailError]]


async def seed_async(url: str, timeout: float = 5) -> FirmtrailError:  # noqa: ASYNC109  the client's own
    async with AsyncClient(url, api_key=f"id:{SECRET}", timeout=timeout, attempts=1) as client:
        with pytest.raises(FirmtrailError) as raised:
            await client.seed()
    return raised.value


async def seed_sync(url: str, timeout: float = 5) -> FirmtrailError:  # noqa: ASYNC109  the client's own
    def use() -> FirmtrailError:
        with (
            Client(url, api_key=f"id:{SECRET}", timeout=timeout, attempts=1) as client,
            pytest.raises(FirmtrailError) as raised,
        ):
            client.seed()
        return raised.value

    return await asyncio.to_thread(use)


@pytest.fixture(params=[seed_async, seed_sync])
def seed(request: pytest.FixtureRequest) -> Seed:
    """Make a call that fails, and give its error."""
    return request.param


def problem(status: int, code: str, **more: object) -> Behaviour:
    document = {"code": code, "title": "Title", "status": status, "detail": "Do this.", "request_id": "r-1", **more}
    return answering(status, json.dumps(document), Content_Type="application/problem+json")


async def test_a_problem_document_becomes_the_error(misbehaving: MisbehavingServer, seed: Seed) -> None:
    field = {"location": "body", "pointer": "/version", "code": "too_long", "detail": "must be shorter"}
    misbehaving.behaviours = [problem(422, "invalid_request", errors=[field])]

    error = await seed(misbehaving.url)

    assert isinstance(error, InvalidRequestError)
    assert (error.status, error.code, error.title, error.request_id) == (422, "invalid_request", "Title", "r-1")
    assert str(error) == "Do this. /version must be shorter. (422, invalid_request, request r-1)"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (405, ApiError),
        (409, ConflictError),
        (412, PreconditionFailedError),
        (413, PayloadTooLargeError),
        (422, InvalidRequestError),
        (429, RateLimitedError),
        (500, ServerError),
        (599, ServerError),
    ],
)
async def test_an_answer_without_a_problem_document_is_told_by_its_status(
    misbehaving: MisbehavingServer, seed: Seed, status: int, kind: type[ApiError]
) -> None:
    misbehaving.behaviours = [answering(status, "<html>", Content_Type="text/html", X_Request_Id="r-2")]

    error = await seed(misbehaving.url)

    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, None, "r-2")


async def test_a_code_of_a_newer_server_is_kept_and_its_class_is_that_of_the_status(
    misbehaving: MisbehavingServer, seed: Seed
) -> None:
    misbehaving.behaviours = [problem(409, "moon_in_the_way")]

    error = await seed(misbehaving.url)

    assert isinstance(error, ConflictError)
    assert error.code == "moon_in_the_way"


async def test_a_redirect_is_never_followed_and_says_so(misbehaving: MisbehavingServer, seed: Seed) -> None:
    misbehaving.behaviours = [answering(307, Location=f"{misbehaving.url}/elsewhere?{SECRET}")]

    error = await seed(misbehaving.url)

    assert isinstance(error, ApiError)
    assert "never followed" in str(error)
    assert SECRET not in str(error)
    assert len(misbehaving.requests) == 1


def http_date(seconds: float) -> str:
    return format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "9" * 5000}, float("inf")),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-7"}, None),
        ({"Retry_After": ""}, None),
        ({"Retry_After": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}, None),
        ({}, None),
        # the server's clock is an hour ahead of ours
        ({"Retry_After": http_date(3610), "Date": http_date(3600)}, pytest.approx(10, abs=1)),
        ({"Retry_After": http_date(-60)}, 0),
        # dates are made when tests are collected, and the test may run minutes later
        ({"Retry_After": http_date(3000).replace("GMT", "-0000")}, pytest.approx(3000, abs=1500)),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    misbehaving: MisbehavingServer, seed: Seed, headers: dict[str, str], seconds: float | None
) -> None:
    misbehaving.behaviours = [answering(429, **headers)]

    error = await seed(misbehaving.url)

    assert isinstance(error, RateLimitedError)
    assert error.retry_after == seconds


def typed(body: str, content_type: str) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 201 X\r\nX-Request-Id: r-3\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\n\r\n{body}".encode())
        await writer.drain()

    return behave


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("<html>", "text/html; charset=utf-8", "text/html"),
        ("{}", "text/plain", "text/plain"),
        ("<html>", "application/json", "not JSON"),
        ("", "application/json", "not JSON"),
        ("{}", "application/json", "/project is required; /project_api_key is required"),
        ("[]", "application/json", "must be an object"),
    ],
)
async def test_a_success_that_cannot_be_read_says_why(
    misbehaving: MisbehavingServer, seed: Seed, body: str, content_type: str, said: str
) -> None:
    misbehaving.behaviours = [typed(body, content_type)]

    error = await seed(misbehaving.url)

    assert isinstance(error, DecodeError)
    assert said in str(error)
    assert "(201, request r-3)" in str(error)


async def test_an_empty_success_is_no_refusal(misbehaving: MisbehavingServer, seed: Seed) -> None:
    misbehaving.behaviours = [answering(204, "")]

    assert isinstance(await seed(misbehaving.url), DecodeError)


async def test_a_refusal_of_unbounded_size_is_still_a_refusal(misbehaving: MisbehavingServer, seed: Seed) -> None:
    misbehaving.behaviours = [answering(403, "x" * (17 * 1024 * 1024))]

    assert isinstance(await seed(misbehaving.url), PermissionDeniedError)


async def truncated(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 201 X\r\nContent-Length: 1000\r\n\r\n{"pro')
    await writer.drain()


async def closing(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("behaviour", [closing, hanging_up, truncated, garbage])
async def test_half_an_answer_is_a_lost_connection(
    misbehaving: MisbehavingServer, seed: Seed, behaviour: Behaviour
) -> None:
    misbehaving.behaviours = [behaviour]

    error = await seed(misbehaving.url)

    assert isinstance(error, ConnectionLostError)
    assert error.maybe_applied
    assert not str(error).endswith("..")


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(20)


async def dripping_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\n")
    for number in range(1000):
        writer.write(f"X-{number}: x\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("behaviour", [silent, dripping_headers])
async def test_every_call_ends_with_its_deadline(
    misbehaving: MisbehavingServer, seed: Seed, behaviour: Behaviour
) -> None:
    misbehaving.behaviours = [behaviour]

    error = await seed(misbehaving.url, timeout=0.3)

    assert isinstance(error, DeadlineExceededError)
    assert isinstance(error, TimeoutError)
    assert error.maybe_applied


async def test_a_refused_connection_was_not_sent(seed: Seed) -> None:
    error = await seed("http://127.0.0.1:9")

    assert isinstance(error, NotSentError)
    assert not error.maybe_applied


async def test_an_unknown_host_was_not_sent(seed: Seed) -> None:
    assert isinstance(await seed("http://firmtrail.invalid"), NotSentError)


async def test_a_failed_tls_handshake_was_not_sent(seed: Seed) -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await garbage(writer)
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        error = await seed(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    assert isinstance(error, NotSentError)


@pytest.mark.parametrize("behaviour", [hanging_up, truncated, answering(401)], ids=["hang up", "truncated", "401"])
async def test_an_error_holds_nothing_of_the_http_library(
    misbehaving: MisbehavingServer, seed: Seed, behaviour: Behaviour
) -> None:
    misbehaving.behaviours = [behaviour]

    error = await seed(misbehaving.url)

    assert (error.__cause__, error.__context__) == (None, None)
    held = gc.get_referents(error.args, error.__dict__)
    assert not [value for value in held if type(value).__module__.startswith(("httpx", "httpcore"))]


async def test_no_secret_is_in_a_traceback_that_shows_all_local_variables(
    misbehaving: MisbehavingServer, seed: Seed
) -> None:
    misbehaving.behaviours = [answering(401)]

    error = await seed(misbehaving.url)

    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "AuthenticationError" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_that_nobody_asked_to_be_compressed_is_not_decompressed(
    misbehaving: MisbehavingServer, seed: Seed, status: int
) -> None:
    bomb = gzip.compress(bytes(100_000_000), 9)

    async def behave(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(bomb)}\r\nContent-Encoding: gzip\r\n\r\n"
        writer.write(head.encode() + bomb)
        await writer.drain()

    misbehaving.behaviours = [behave]
    tracemalloc.start()
    try:
        error = await seed(misbehaving.url)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert b"Accept-Encoding: identity\r\n" in misbehaving.requests[0]
    assert isinstance(error, DecodeError if status == 200 else ServerError)
    assert peak < 20_000_000


async def test_a_call_that_needs_a_key_is_not_sent_without_one(misbehaving: MisbehavingServer) -> None:
    async with AsyncClient(misbehaving.url) as client:
        with pytest.raises(CredentialsError, match="FIRMTRAIL_API_KEY"):
            await client.firmware.report("00000000-0000-4000-8000-000000000000", "1")

    assert misbehaving.requests == []


async def test_a_request_says_who_sends_it_below_the_prefix_of_the_url(
    misbehaving: MisbehavingServer, seed: Seed
) -> None:
    misbehaving.behaviours = [answering(403)]

    await seed(f"{misbehaving.url}/behind/")

    head = misbehaving.requests[0].decode().lower()
    assert head.startswith("post /behind/v1/seed http/1.1\r\n")
    assert "\r\nuser-agent: firmtrail-python/" in head
    assert "\r\nauthorization:" not in head  # a demo project needs no key, so none is sent
