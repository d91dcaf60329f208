"""What every status that there is leads to: who has to mend it, and when the daemon asks again."""

from __future__ import annotations

import random

import pytest

from firmtrail import ApiError, ProblemCode
from firmtrail.errors import class_of
from firmtrail_agent.failures import Trouble, failure_of
from firmtrail_agent.reporting import Delivery
from firmtrail_agent.rounds import reschedule
from firmtrail_agent.schedule import LONGEST_INTERVAL_SECONDS, Schedule
from tests.agent.observing import Time

MINUTE, HOUR = 60, 3600
STATUSES = range(300, 600)
ABOUT_A_RECORD = {400, 413, 422}
PASSING = {408, 425, 429, *range(500, 600)}
MISDIRECTED = {404, 410}
OTHERS = {*STATUSES} - ABOUT_A_RECORD - PASSING - MISDIRECTED - {401, 403}
SOON, LATER, IN_SIX_HOURS = (1, 15 * MINUTE), (5 * MINUTE, 6 * HOUR), (5.4 * HOUR, 6 * HOUR)


def refused_with(status: int, code: ProblemCode | str | None) -> ApiError:
    return class_of(status, code)(status=status, title="No.", code=code)


def wait_after(error: ApiError) -> float:
    """How long the daemon waits when this is the first failure."""
    schedule = Schedule(
        interval_seconds=LONGEST_INTERVAL_SECONDS,
        first_within_seconds=0,
        is_new_boot=True,
        clock=Time(),
        random=random.Random(error.status),
    )
    schedule.started()
    reschedule(schedule, Delivery(failure=failure_of(error)))
    return schedule.seconds_left()


@pytest.mark.parametrize("code", [None, "made_up"], ids=["of a proxy", "of our server"])
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
    statuses: set[int], trouble: Trouble, bounds: tuple[float, float], code: str | None
) -> None:
    for status in statuses:
        error = refused_with(status, code)

        assert failure_of(error).trouble is trouble, status
        assert bounds[0] <= wait_after(error) <= bounds[1], status


@pytest.mark.parametrize("status", sorted(ABOUT_A_RECORD))
def test_our_server_refuses_a_record_and_a_proxy_refuses_for_the_time_being(status: int) -> None:
    ours, of_a_proxy = refused_with(status, ProblemCode.INVALID_REQUEST), refused_with(status, None)

    assert (failure_of(ours).trouble, failure_of(of_a_proxy).trouble) == (Trouble.REJECTED, Trouble.TEMPORARY)
    assert SOON[0] <= wait_after(of_a_proxy) <= SOON[1]
