"""The table of what is repeated, cell by cell, and how long is waited; no network and no clock."""

from __future__ import annotations

import pytest

from firmtrail import (
    ApiError,
    CertificateRefusedError,
    ConnectionLostError,
    DeadlineExceededError,
    DecodeError,
    FirmtrailError,
    NotSentError,
    NotTrustedError,
    RateLimitedError,
    ServerError,
)
from firmtrail._retry import RetryPolicy
from firmtrail.errors import class_of

#: a clock that stands still, and the longest wait that the jitter can give
POLICY = RetryPolicy(clock=lambda: 0.0, random=lambda: 1.0)


def answered(status: int, retry_after: float | None = None) -> ApiError:
    return class_of(status, None)(status=status, title="x", retry_after=retry_after)


TABLE: list[tuple[FirmtrailError, bool, bool]] = [
    (NotSentError("x"), True, True),
    (NotTrustedError("x"), False, False),
    (CertificateRefusedError("x"), False, False),
    (answered(429), True, True),
    (answered(429, 1), True, True),
    (answered(503, 1), True, True),
    (ConnectionLostError("x"), True, False),
    (answered(502), True, False),
    (answered(503), True, False),
    (answered(504), True, False),
    (answered(500), False, False),
    (answered(501), False, False),
    *((answered(status), False, False) for status in (302, 400, 401, 403, 404, 405, 408, 409, 412, 413, 422, 425)),
    (DeadlineExceededError("x"), False, False),
    (DecodeError("x", status=200), False, False),
]


@pytest.mark.parametrize(("failure", "if_repeatable", "otherwise"), TABLE, ids=lambda value: repr(value)[:40])
def test_each_outcome_is_repeated_or_raised(failure: FirmtrailError, *, if_repeatable: bool, otherwise: bool) -> None:
    waits = [POLICY.wait(failure, repeatable=repeatable, attempt=1, deadline=30) for repeatable in (True, False)]

    assert [wait is not None for wait in waits] == [if_repeatable, otherwise]


def test_the_third_attempt_is_the_last() -> None:
    waits = [POLICY.wait(NotSentError("x"), repeatable=True, attempt=n, deadline=30) for n in (1, 2, 3)]

    assert waits == [0.5, 1.0, None]


def test_the_jitter_is_full() -> None:
    policy = RetryPolicy(clock=lambda: 0.0, random=lambda: 0.0)

    assert policy.wait(NotSentError("x"), repeatable=True, attempt=2, deadline=30) == 0.0


def test_a_server_that_names_a_time_is_waited_for_and_a_little_more() -> None:
    failure = RateLimitedError(status=429, title="x", retry_after=10)

    assert POLICY.wait(failure, repeatable=False, attempt=1, deadline=30) == pytest.approx(11)


def test_more_than_thirty_seconds_are_not_waited_for() -> None:
    failure = ServerError(status=503, title="x", retry_after=31)

    assert POLICY.wait(failure, repeatable=True, attempt=1, deadline=1000) is None


def test_no_wait_goes_past_the_deadline() -> None:
    failure = ServerError(status=503, title="x", retry_after=10)

    assert POLICY.wait(failure, repeatable=True, attempt=1, deadline=10.5) is None
