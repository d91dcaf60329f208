"""What every status that there is leads to: who has to mend it, and when the daemon asks again."""

from __future__ import annotations

import random

import pytest

from firmtrail import ApiError, ProblemCode
from firmtrail.errors import class_of
from firmtrail_agent.config.configuration import MAX_INTERVAL_SECONDS
from firmtrail_agent.daemon.round import reschedule
from firmtrail_agent.daemon.schedule import Schedule
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import Trouble, failure_of
from tests.agent.support.observations import Time

MINUTE, HOUR = 60, 3600
STATUSES = range(300, 600)
ABOUT_A_RECORD = {400, 413, 422}
PASSING = {408, 425, 429, *range(500, 600)}
MISDIRECTED = {404, 410}
PROXY_UNAUTHENTICATED = 407
OTHERS = {*STATUSES} - ABOUT_A_RECORD - PASSING - MISDIRECTED - {401, 403}
SOON, LATER, IN_SIX_HOURS = (1, 15 * MINUTE), (5 * MINUTE, 6 * HOUR), (5.4 * HOUR, 6 * HOUR)


def refused_with(status: int, code: ProblemCode | str | None) -> ApiError:
    return class_of(status, code)(status=status, title="No.", code=code)


def wait_after(error: ApiError) -> float:
    """How long the daemon waits when this is the first failure."""
    schedule = Schedule(
        interval_seconds=MAX_INTERVAL_SECONDS,
        first_within_seconds=0,
        is_new_boot=True,
        clock=Time(),
        random=random.Random(error.status),
    )
    schedule.started()
    reschedule(schedule, Delivery(failure=failure_of(error)))
    return schedule.seconds_left()


@pytest.mark.parametrize(
    ("statuses", "trouble", "bounds"),
    [
        (PASSING, Trouble.TEMPORARY, SOON),
        ({401}, Trouble.CREDENTIALS, LATER),
        ({403}, Trouble.CREDENTIALS, IN_SIX_HOURS),
        (MISDIRECTED, Trouble.CONFIGURATION, IN_SIX_HOURS),
        (OTHERS, Trouble.CONFIGURATION, SOON),
    ],
    ids=["passing", "401", "403", "404 and 410", "redirects and others"],
)
def test_a_status_says_who_mends_it_and_when_to_ask_again(
    statuses: set[int], trouble: Trouble, bounds: tuple[float, float]
) -> None:
    for status in statuses:
        error = refused_with(status, "made_up")

        assert failure_of(error).trouble is trouble, status
        assert bounds[0] <= wait_after(error) <= bounds[1], status


@pytest.mark.parametrize("status", sorted(ABOUT_A_RECORD))
def test_our_server_refuses_a_record(status: int) -> None:
    assert failure_of(refused_with(status, ProblemCode.INVALID_REQUEST)).trouble is Trouble.REJECTED


@pytest.mark.parametrize("retry_after", [None, 5 * HOUR])
def test_no_answer_without_a_problem_document_counts_for_long(retry_after: float | None) -> None:
    for status in STATUSES:
        error = class_of(status, None)(status=status, title="No.", retry_after=retry_after)

        expected = Trouble.PROXY_FAILED if status == PROXY_UNAUTHENTICATED else Trouble.TEMPORARY
        assert failure_of(error).trouble is expected, status
        assert 1 <= wait_after(error) <= 2 * 16 * MINUTE, status


def test_the_wait_that_is_told_is_the_one_that_is_kept() -> None:
    month = class_of(503, None)(status=503, title="No.", request_id="r1", retry_after=31 * 24 * HOUR)

    failure = failure_of(month)

    assert failure.retry_after_seconds == 15 * MINUTE
    assert f"{15 * MINUTE} s" in failure.message
    assert "2678400" not in failure.message
    assert "r1" in failure.message
