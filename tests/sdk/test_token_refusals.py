"""What a client makes of refusals and faults on its way to an access token; it shows no secret meanwhile."""

from __future__ import annotations

import traceback

import pytest

from firmtrail import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    InvalidClientError,
    NotFoundError,
    NotSentError,
    OAuthError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)
from firmtrail._retry import RetryPolicy
from tests.sdk.granting import (
    DEVICE,
    ONE_TOKEN,
    REFUSED,
    REPORT,
    SECRET,
    TOKEN,
    Report,
    asked,
    granting,
    oauth_error,
)
from tests.sdk.misbehaving import Behaviour, MisbehavingServer, answering, dripping, hanging_up


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


async def test_an_answer_far_larger_than_a_token_is_not_read(misbehaving: MisbehavingServer, report: Report) -> None:
    misbehaving.behaviours = [answering(200, "[" * (1024 * 1024))]

    with pytest.raises(DecodeError, match="larger than 65536 bytes"):
        await report(misbehaving.url)


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
    problem = '{"code": "not_found", "title": "x", "status": 404, "detail": "y", "request_id": "z"}'
    misbehaving.behaviours = [answering(404, problem)]

    with pytest.raises(ConfigError, match=r'auth="basic", or set FIRMTRAIL_AUTH=basic'):
        await report(misbehaving.url)


@pytest.mark.parametrize("body", ["<html>", '{"error": "not_found", "error_description": "No route."}'])
async def test_a_foreign_404_for_a_token_says_nothing_of_tokens(
    misbehaving: MisbehavingServer, report: Report, body: str
) -> None:
    misbehaving.behaviours = [answering(404, body)]

    with pytest.raises(NotFoundError) as refused:
        await report(misbehaving.url)

    assert refused.value.code is None


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
        await report(misbehaving.url, timeout=0.3, policy=RetryPolicy())


async def test_an_unreachable_server_is_not_sent(report: Report) -> None:
    with pytest.raises(NotSentError):
        await report("http://127.0.0.1:9")


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
