"""The SDK against servers and networks that misbehave: what is repeated, what is raised, and what is never shown."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable

import pytest

from firmtrail import (
    ApiError,
    AsyncClient,
    Client,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    NotSentError,
    RateLimitedError,
    ServerError,
)
from firmtrail._retry import RetryPolicy
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering, dripping, hanging_up
from tests.sdk.policies import with_policy

DEVICE = "00000000-0000-4000-8000-000000000000"
SECRET = "ftd_hidden-word"
TAKEN = (
    '{"component": "main", "version": "1", "observed_at": "2026-05-03T12:00:00Z",'
    ' "observed_at_source": "moon", "outcome": "opened", "new": 1}'
)
#: retries without waiting
AT_ONCE = RetryPolicy(random=lambda: 0.0)

#: reports to a URL, within some seconds
Report = Callable[..., Awaitable[object]]
#: far more than any answer takes on a busy machine
PATIENCE_SECONDS = 30


async def report_async(url: str, seconds: float = PATIENCE_SECONDS) -> object:
    made = AsyncClient(url, api_key=f"id:{SECRET}", auth="basic", timeout=seconds)
    async with with_policy(made, AT_ONCE) as client:
        return await client.firmware.report(DEVICE, "1")


async def report_sync(url: str, seconds: float = PATIENCE_SECONDS) -> object:
    def use() -> object:
        made = Client(url, api_key=f"id:{SECRET}", auth="basic", timeout=seconds)
        with with_policy(made, AT_ONCE) as client:
            return client.firmware.report(DEVICE, "1")

    return await asyncio.to_thread(use)


@pytest.fixture(params=[report_async, report_sync])
def report(request: pytest.FixtureRequest) -> Report:
    return request.param


PASSING = {
    "hanging up": hanging_up,
    "502": answering(502),
    "503": answering(503),
    "503 with a time": answering(503, Retry_After="0"),
    "504": answering(504),
    "429": answering(429, Retry_After="0"),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
async def test_a_report_is_repeated_after_a_fault_that_passes(
    misbehaving: MisbehavingServer, report: Report, fault: Behaviour
) -> None:
    misbehaving.behaviours = [fault, answering(201, TAKEN)]

    await report(misbehaving.url)

    assert len(misbehaving.requests) == 2
    assert misbehaving.requests[0].split(b"\r\n\r\n")[1] == misbehaving.requests[1].split(b"\r\n\r\n")[1]
    assert b'"observed_at"' in misbehaving.requests[0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 302])
async def test_a_refusal_is_raised_at_once(misbehaving: MisbehavingServer, report: Report, status: int) -> None:
    misbehaving.behaviours = [answering(status, "no problem document", Location="http://127.0.0.1:9/")]

    with pytest.raises(ApiError) as refused:
        await report(misbehaving.url)

    assert refused.value.status == status
    assert len(misbehaving.requests) == 1


async def test_three_attempts_are_all(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [answering(503)] * 5

    with pytest.raises(ServerError):
        await report(misbehaving.url)

    assert len(misbehaving.requests) == 3


@pytest.mark.parametrize("attempts", [1, 5])
async def test_as_many_attempts_are_made_as_the_caller_wants(misbehaving: MisbehavingServer, attempts: int) -> None:
    misbehaving.behaviours = [answering(503)] * 6
    async with with_policy(AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", attempts=attempts), AT_ONCE) as client:
        with pytest.raises(ServerError):
            await client.firmware.report(DEVICE, "1")

    assert len(misbehaving.requests) == attempts


async def test_a_long_retry_after_is_raised_with_the_time_in_it(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [answering(429, Retry_After="3600")]

    with pytest.raises(RateLimitedError) as refused:
        await report(misbehaving.url)

    assert refused.value.retry_after == 3600


async def test_a_call_that_is_not_repeatable_is_raised_when_it_may_have_been_done(
    misbehaving: MisbehavingServer,
) -> None:
    misbehaving.behaviours = [hanging_up]
    async with with_policy(AsyncClient(misbehaving.url), AT_ONCE) as client:
        with pytest.raises(ConnectionLostError) as lost:
            await client.seed()

    assert lost.value.maybe_applied
    assert len(misbehaving.requests) == 1


async def test_an_answer_that_drips_for_ever_ends_with_the_deadline(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [dripping]

    with pytest.raises(DeadlineExceededError):
        await report(misbehaving.url, seconds=0.5)


async def test_an_unreachable_server_is_not_sent(report: Report) -> None:
    with pytest.raises(NotSentError):
        await report("http://127.0.0.1:9")


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"component": 1}', "[" * 100_000], ids=len)
async def test_a_success_that_breaks_the_contract_is_a_decode_error(
    misbehaving: MisbehavingServer, report: Report, body: str
) -> None:
    misbehaving.behaviours = [answering(200, body)]

    with pytest.raises(DecodeError):
        await report(misbehaving.url)


async def test_an_answer_of_unbounded_size_is_refused(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [answering(200, "x" * (17 * 1024 * 1024))]

    with pytest.raises(DecodeError, match="larger"):
        await report(misbehaving.url)


async def test_fields_and_members_of_a_newer_server_are_tolerated(
    misbehaving: MisbehavingServer, report: Report
) -> None:
    misbehaving.behaviours = [answering(200, TAKEN)]

    receipt = await report(misbehaving.url)

    assert "moon" in repr(receipt)


async def test_no_secret_is_in_an_error_a_repr_or_a_log(
    misbehaving: MisbehavingServer, report: Report, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    misbehaving.behaviours = [answering(401)]

    with pytest.raises(FirmtrailError) as refused:
        await report(misbehaving.url)

    client = AsyncClient(misbehaving.url, api_key=f"id:{SECRET}", auth="basic")
    await client.aclose()
    assert SECRET not in str(refused.value) + repr(refused.value) + caplog.text + repr(client)


def test_a_url_with_credentials_is_refused_without_showing_them() -> None:
    with pytest.raises(ConfigError) as refused:
        Client("http://user:hidden-word@127.0.0.1")

    assert "hidden-word" not in str(refused.value)


@pytest.mark.parametrize(
    "error",
    [
        NotSentError("x"),
        ConnectionLostError("x", maybe_applied=True),
        DeadlineExceededError("x"),
        DecodeError("x", status=200),
        ServerError(status=503, title="x", retry_after=3.0, request_id="r"),
        ConfigError("x"),
    ],
    ids=lambda error: f"{type(error).__name__}",
)
def test_every_error_pickles(error: FirmtrailError) -> None:
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert (str(copy), copy.__dict__) == (str(error), error.__dict__)
