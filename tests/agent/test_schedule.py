"""The schedule, in virtual time: one device through every order of events, and ten thousand at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_agent.schedule import (
    LONGEST_RETRY_AFTER_SECONDS,
    LONGEST_SLEEP_SECONDS,
    REFUSED_BASE_SECONDS,
    REFUSED_CAP_SECONDS,
    RETRY_BASE_SECONDS,
    RETRY_CAP_SECONDS,
    SHORTEST_RETRY_SECONDS,
    Schedule,
)

DEVICES = 10_000
HOUR = 3600


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def schedule(seed: int, time: Time, *, interval: float = HOUR, first_within: float = 300) -> Schedule:
    return Schedule(
        interval_seconds=interval, first_within_seconds=first_within, clock=time, random=random.Random(seed)
    )


seeds = st.integers(0, 2**32)
intervals = st.integers(10, 31 * 24 * HOUR)
events = st.lists(st.sampled_from(["started", "succeeded", "failed", "refused"]), max_size=60)


@given(seeds, intervals, st.integers(0, HOUR))
def test_the_first_report_comes_within_its_bound_and_within_one_interval(
    seed: int, interval: int, first_within: int
) -> None:
    left = schedule(seed, Time(), interval=interval, first_within=first_within).seconds_left()

    assert 0 <= left <= min(interval, first_within)


@given(seeds, intervals, events)
def test_after_a_success_the_next_report_comes_after_about_one_interval(
    seed: int, interval: int, before: Sequence[str]
) -> None:
    tested = schedule(seed, Time(), interval=interval)
    for event in before:
        getattr(tested, event)()

    tested.succeeded()

    assert 0.9 * interval <= tested.seconds_left() <= 1.1 * interval


@given(seeds, st.integers(0, 5000))
def test_failures_are_retried_for_ever_within_a_bound_that_doubles_up_to_a_quarter_of_an_hour(
    seed: int, failures: int
) -> None:
    tested = schedule(seed, Time())
    for _ in range(failures):
        tested.failed()

    tested.failed()

    bound = min(RETRY_CAP_SECONDS, RETRY_BASE_SECONDS * 2 ** min(failures, 20))
    assert SHORTEST_RETRY_SECONDS <= tested.seconds_left() <= bound


@given(seeds, st.integers(0, 5000))
def test_refusals_are_retried_after_five_minutes_to_six_hours(seed: int, refusals: int) -> None:
    tested = schedule(seed, Time())
    for _ in range(refusals):
        tested.refused()

    tested.refused()

    assert REFUSED_BASE_SECONDS <= tested.seconds_left() <= REFUSED_CAP_SECONDS


@given(seeds, st.floats(0, LONGEST_RETRY_AFTER_SECONDS))
def test_the_wait_that_a_server_asks_for_is_the_least(seed: int, retry_after: float) -> None:
    tested = schedule(seed, Time())

    tested.failed(retry_after_seconds=retry_after)

    assert retry_after <= tested.seconds_left() <= max(RETRY_BASE_SECONDS, 1.1 * retry_after)


@pytest.mark.parametrize("retry_after", [1e300, float("inf")])
def test_an_absurd_wait_is_not_obeyed(retry_after: float) -> None:
    tested = schedule(1, Time())

    tested.failed(retry_after_seconds=retry_after)

    assert tested.seconds_left() <= 1.1 * LONGEST_RETRY_AFTER_SECONDS


@given(seeds, intervals, events)
def test_no_sleep_is_longer_than_half_a_minute_and_time_passes_until_the_report_is_due(
    seed: int, interval: int, before: Sequence[str]
) -> None:
    time = Time()
    tested = schedule(seed, time, interval=interval)
    for event in before:
        getattr(tested, event)()

    sleep = tested.next_sleep()
    time.now += tested.seconds_left()

    assert sleep <= LONGEST_SLEEP_SECONDS
    assert tested.next_sleep() < 1e-6


def test_work_that_dies_leaves_a_next_deadline() -> None:
    time = Time()
    tested = schedule(1, time)
    time.now += tested.seconds_left()

    tested.started()

    assert tested.seconds_left() >= 0.9 * HOUR


def test_a_report_that_was_due_while_the_device_slept_is_due_at_once() -> None:
    time = Time()
    tested = schedule(1, time)

    time.now += 10 * HOUR

    assert tested.seconds_left() == 0


def test_ten_thousand_devices_whose_power_comes_back_send_at_most_40_reports_a_second() -> None:
    firsts = Counter(int(schedule(seed, Time()).seconds_left()) // 10 for seed in range(DEVICES))

    assert max(firsts.values()) / 10 <= 40


def test_ten_thousand_devices_whose_server_was_away_for_half_an_hour_come_back_in_a_trickle() -> None:
    arrivals: Counter[int] = Counter()
    for seed in range(DEVICES):
        time = Time()
        tested = schedule(seed, time)
        while time.now < 30 * 60:
            time.now += tested.seconds_left()
            tested.failed()
        arrivals[int(time.now) // 10] += 1

    assert max(arrivals.values()) / 10 <= 30
