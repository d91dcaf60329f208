"""The schedule, in virtual time: one device through every order of events, and ten thousand at once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from firmtrail_agent.config.configuration import MAX_INTERVAL_SECONDS
from firmtrail_agent.daemon.schedule import (
    LEAST_PAUSE_SECONDS,
    LONGEST_ASKED_SECONDS,
    LONGEST_RETRY_AFTER_SECONDS,
    LONGEST_SLEEP_SECONDS,
    REFUSED_BASE_SECONDS,
    REFUSED_CAP_SECONDS,
    RETRY_BASE_SECONDS,
    RETRY_CAP_SECONDS,
    SHORTEST_INTERVAL_SECONDS,
    SHORTEST_RETRY_SECONDS,
    SPLAY_SECONDS,
    Schedule,
    Trigger,
)
from firmtrail_agent.state.spool import Spool
from tests.agent.support.observations import DEVICE, Time, observed

DEVICES = 10_000
HOUR = 3600
WAKING = [Trigger.CHANGE, Trigger.CLOCK]
EARLY = [Trigger.CHANGE, Trigger.CLOCK, Trigger.SETTINGS, Trigger.RESYNC]


def schedule(
    seed: int, time: Time, *, interval: float = HOUR, first_within: float = 300, is_new_boot: bool = True
) -> Schedule:
    return Schedule(
        interval_seconds=interval,
        first_within_seconds=first_within,
        is_new_boot=is_new_boot,
        clock=time,
        random=random.Random(seed),
    )


def running(seed: int, time: Time) -> Schedule:
    """A schedule whose first report has succeeded."""
    tested = schedule(seed, time, is_new_boot=False)
    time.now += tested.seconds_left()
    tested.started()
    tested.succeeded()
    return tested


def asked_to_wait(tested: Schedule) -> None:
    tested.failed(retry_after_seconds=300)


def wait(tested: Schedule, time: Time) -> frozenset[Trigger]:
    """Let time pass until a round is due, and begin it."""
    time.now += tested.seconds_left()
    return tested.started()


seeds = st.integers(0, 2**32)
intervals = st.integers(10, 31 * 24 * HOUR)


@given(seeds, intervals, st.integers(0, HOUR))
def test_the_first_round_of_a_boot_comes_within_its_bound_and_within_one_interval(
    seed: int, interval: int, first_within: int
) -> None:
    left = schedule(seed, Time(), interval=interval, first_within=first_within).seconds_left()

    assert 0 <= left <= min(interval, first_within)


@given(seeds, intervals)
def test_an_agent_that_is_started_again_in_the_same_boot_waits_for_its_heartbeat(seed: int, interval: int) -> None:
    time = Time()
    tested = schedule(seed, time, interval=interval, first_within=0, is_new_boot=False)

    assert tested.seconds_left() <= interval
    assert wait(tested, time) == {Trigger.HEARTBEAT}


@given(seeds)
def test_after_a_success_the_next_round_comes_after_about_one_interval(seed: int) -> None:
    assert 0.9 * HOUR <= running(seed, Time()).seconds_left() <= 1.1 * HOUR


@given(seeds, st.floats(0, 1e9))
def test_a_server_may_ask_for_another_interval_within_reason(seed: int, asked: float) -> None:
    tested = running(seed, Time())

    tested.succeeded(next_report_in_seconds=asked)

    within_reason = min(max(asked, SHORTEST_INTERVAL_SECONDS), LONGEST_ASKED_SECONDS)
    assert 0.9 * within_reason <= tested.seconds_left() <= 1.1 * within_reason


def test_an_interval_above_a_day_stays_the_longest_a_server_gets() -> None:
    tested = schedule(1, Time(), interval=7 * 24 * HOUR, is_new_boot=False)
    tested.started()

    tested.succeeded(next_report_in_seconds=31 * 24 * HOUR)

    assert 6 * 24 * HOUR <= tested.seconds_left() <= 8 * 24 * HOUR


def test_the_next_sending_is_after_rounds_that_observe_only() -> None:
    time = Time()
    tested = running(1, time)

    tested.misdirected()

    assert tested.next_due() - time.now <= 1.1 * HOUR
    assert tested.next_send() - time.now >= 0.9 * 6 * HOUR


@given(seeds, st.integers(0, 5000))
def test_failures_are_retried_for_ever_within_a_bound_that_doubles_up_to_a_quarter_of_an_hour(
    seed: int, failures: int
) -> None:
    tested = running(seed, Time())
    for _ in range(failures):
        tested.failed()

    tested.failed()

    bound = min(RETRY_CAP_SECONDS, RETRY_BASE_SECONDS * 2 ** min(failures, 20))
    assert SHORTEST_RETRY_SECONDS <= tested.seconds_left() <= bound


@given(seeds, st.integers(0, 5000))
def test_a_refused_credential_is_tried_again_after_five_minutes_to_six_hours(seed: int, refusals: int) -> None:
    time = Time()
    tested = running(seed, time)
    for _ in range(refusals):
        tested.refused()

    tested.refused()

    assert not tested.may_send()
    time.now += REFUSED_CAP_SECONDS
    assert tested.may_send()
    assert running(seed, Time()).seconds_left() >= REFUSED_BASE_SECONDS


@given(seeds, st.integers(0, 50))
def test_a_wrong_server_or_device_is_tried_again_after_six_hours_every_time(seed: int, refusals: int) -> None:
    time = Time()
    tested = running(seed, time)
    for _ in range(refusals):
        tested.misdirected()

    tested.misdirected()

    time.now += 0.9 * REFUSED_CAP_SECONDS - 1
    assert not tested.may_send()
    time.now += 0.1 * REFUSED_CAP_SECONDS + 1
    assert tested.may_send()


@given(seeds)
def test_what_runs_is_observed_at_every_heartbeat_though_nothing_may_be_sent(seed: int) -> None:
    time = Time()
    tested = running(seed, time)
    tested.misdirected()

    rounds: list[bool] = []
    while not tested.may_send():
        assert wait(tested, time)
        rounds.append(tested.may_send())

    assert rounds.count(False) >= 4
    assert rounds[-1]


@given(seeds, st.floats(1, LONGEST_RETRY_AFTER_SECONDS))
def test_the_wait_that_a_server_asks_for_is_the_least(seed: int, retry_after: float) -> None:
    time = Time()
    tested = running(seed, time)

    tested.failed(retry_after_seconds=retry_after)

    time.now += retry_after - 0.001
    assert not tested.may_send()
    time.now += RETRY_BASE_SECONDS + 0.1 * retry_after
    assert tested.may_send()


@pytest.mark.parametrize("retry_after", [1e300, float("inf")])
def test_an_absurd_wait_is_not_obeyed(retry_after: float) -> None:
    time = Time()
    tested = running(1, time)

    tested.failed(retry_after_seconds=retry_after)

    time.now += 1.1 * LONGEST_RETRY_AFTER_SECONDS + RETRY_BASE_SECONDS
    assert tested.may_send()


@pytest.mark.parametrize("trigger", EARLY)
@given(seed=seeds)
def test_what_happens_on_the_device_brings_the_next_round_forward_with_a_splay(trigger: Trigger, seed: int) -> None:
    time = Time()
    tested = running(seed, time)
    time.now += LEAST_PAUSE_SECONDS

    tested.request(trigger)

    assert tested.seconds_left() <= SPLAY_SECONDS
    assert wait(tested, time) == {trigger}


@pytest.mark.parametrize("trigger", EARLY)
def test_what_happens_all_the_time_makes_a_round_a_minute_at_most(trigger: Trigger) -> None:
    time = Time()
    tested, rounds = running(1, time), 0

    while time.now < 2 * HOUR:
        time.now += 1
        tested.request(trigger)
        if not tested.seconds_left():
            tested.started()
            tested.succeeded()
            rounds += 1

    assert rounds <= 2 * HOUR / LEAST_PAUSE_SECONDS


@pytest.mark.parametrize("trigger", WAKING)
@given(seed=seeds, failures=st.integers(1, 50))
def test_what_happens_on_the_device_permits_one_try_while_a_failure_is_waited_out(
    trigger: Trigger, seed: int, failures: int
) -> None:
    time = Time()
    tested = running(seed, time)
    for _ in range(failures):
        tested.failed()
    failed_at = time.now

    tested.request(trigger)
    while not tested.may_send():
        wait(tested, time)

    assert time.now <= failed_at + LEAST_PAUSE_SECONDS + SPLAY_SECONDS
    tested.failed()
    assert not tested.may_send()


@pytest.mark.parametrize("trigger", WAKING)
def test_what_happens_all_the_time_makes_a_try_a_minute_at_most_while_a_failure_is_waited_out(
    trigger: Trigger,
) -> None:
    time = Time()
    tested, tries = running(1, time), 0
    tested.failed()

    while time.now < 10 * HOUR:
        time.now += 1
        tested.request(trigger)
        if not tested.seconds_left():
            due = tested.started()
            if tested.may_send():
                tested.failed()
                tries += trigger in due

    assert 0 < tries <= 10 * HOUR / LEAST_PAUSE_SECONDS


@pytest.mark.parametrize("trigger", WAKING)
@pytest.mark.parametrize("refused", [Schedule.refused, Schedule.misdirected, asked_to_wait])
def test_what_happens_on_the_device_permits_nothing_that_the_server_has_refused(
    trigger: Trigger, refused: Callable[[Schedule], None]
) -> None:
    time = Time()
    tested = running(1, time)
    refused(tested)
    refused_at = time.now

    while not tested.may_send():
        tested.request(trigger)
        wait(tested, time)

    assert time.now >= refused_at + 300


@pytest.mark.parametrize("answered", [Schedule.refused, Schedule.misdirected, asked_to_wait])
def test_a_person_who_asks_during_a_refusal_is_not_put_off_by_it(answered: Callable[[Schedule], None]) -> None:
    time = Time()
    tested = running(1, time)
    wait(tested, time)
    tested.request(Trigger.MANUAL)
    answered(tested)

    assert Trigger.MANUAL in wait(tested, time)
    assert tested.may_send()


def test_a_person_gets_a_round_at_once_also_while_nothing_may_be_sent() -> None:
    time = Time()
    tested = running(1, time)
    tested.misdirected()

    tested.request(Trigger.MANUAL)

    assert (tested.seconds_left(), tested.may_send()) == (0, True)


def test_another_key_is_tried_soon_though_the_old_one_was_refused() -> None:
    time = Time()
    tested = running(1, time)
    for _ in range(20):
        tested.refused()
    time.now += LEAST_PAUSE_SECONDS

    tested.request(Trigger.SETTINGS)
    wait(tested, time)

    assert tested.may_send()
    assert time.now < HOUR


def test_reasons_that_are_due_together_are_one_round() -> None:
    time = Time()
    tested = running(1, time)
    for trigger in (Trigger.CHANGE, Trigger.CLOCK, Trigger.MANUAL):
        tested.request(trigger)

    time.now += 10 * HOUR

    assert tested.started() == {Trigger.CHANGE, Trigger.CLOCK, Trigger.MANUAL, Trigger.HEARTBEAT}
    assert tested.seconds_left() > 0


def test_a_server_that_always_asks_for_all_versions_is_answered_once_a_heartbeat() -> None:
    time = Time()
    tested = running(1, time)
    rounds: list[frozenset[Trigger]] = []

    while time.now < 10 * HOUR:
        rounds.append(wait(tested, time))
        tested.succeeded(resync=True)

    heartbeats = sum(Trigger.HEARTBEAT in triggers for triggers in rounds)
    assert len(rounds) <= 2 * heartbeats


def test_a_shorter_interval_counts_at_once() -> None:
    tested = running(1, Time())

    tested.configure(interval_seconds=60)

    assert tested.seconds_left() <= 60


def test_the_interval_is_what_the_server_asks_for() -> None:
    tested = running(1, Time())
    assert tested.interval_seconds == HOUR

    tested.succeeded(next_report_in_seconds=600)
    assert tested.interval_seconds == 600

    tested.succeeded()
    assert tested.interval_seconds == HOUR


def test_work_that_dies_leaves_a_next_deadline() -> None:
    time = Time()
    tested = schedule(1, time)

    wait(tested, time)

    assert 0 < tested.seconds_left() <= 1.1 * HOUR


def test_a_round_that_was_due_while_the_device_slept_is_due_at_once() -> None:
    time = Time()
    tested = schedule(1, time)

    time.now += 10 * HOUR

    assert tested.seconds_left() == 0


def test_ten_thousand_devices_whose_power_comes_back_send_at_most_40_reports_a_second() -> None:
    seconds: Counter[int] = Counter()
    for seed in range(DEVICES):
        time = Time()
        tested = schedule(seed, time)
        while time.now < 2 * HOUR:
            wait(tested, time)
            tested.succeeded()
            seconds[int(time.now) // 10] += 1

    assert max(seconds.values()) / 10 <= 40


def test_ten_thousand_devices_whose_server_was_away_for_half_an_hour_come_back_in_a_trickle() -> None:
    arrivals: Counter[int] = Counter()
    for seed in range(DEVICES):
        time = Time()
        tested = running(seed, time)
        time.now = random.Random(seed).uniform(0, HOUR)
        back = time.now + HOUR / 2
        while True:
            wait(tested, time)
            if not tested.may_send():
                continue
            if time.now >= back:
                break
            tested.failed()
        arrivals[int(time.now - back) // 10] += 1

    assert max(arrivals.values()) / 10 <= 30


def test_a_month_without_network_is_one_record_a_few_tries_an_hour_and_over_within_a_quarter_of_an_hour(
    tmp_path: Path,
) -> None:
    time = Time()
    tested, spool, tries = running(1, time), Spool(tmp_path / "spool", DEVICE, boot_time=time), 0
    began, month = time.now, 30 * 24 * HOUR

    while time.now < began + month:
        wait(tested, time)
        spool.add(observed("1.4.2", int(time.now * 1000)), urgent=False)
        if tested.may_send():
            tries += 1
            tested.failed()
    while not tested.may_send():
        wait(tested, time)

    assert len(spool.records) == 1
    assert month / HOUR <= tries <= 10 * month / HOUR
    assert time.now <= began + month + 2 * RETRY_CAP_SECONDS


class ScheduleMachine(RuleBasedStateMachine):
    """Any order of events: there is always a next round, no sleep is long, and a closed gate opens in time."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.tested = schedule(0, self.time)
        self.closed_at: float | None = None

    @initialize(seed=seeds, interval=intervals, is_new_boot=st.booleans())
    def begin(self, seed: int, interval: int, is_new_boot: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.interval = interval
        self.tested = schedule(seed, self.time, interval=interval, is_new_boot=is_new_boot)

    @rule()
    def sleep_as_told(self) -> None:
        self.time.now += self.tested.next_sleep()

    @rule(hours=st.floats(0, 10_000))
    def be_suspended(self, hours: float) -> None:
        self.time.now += hours * HOUR

    @precondition(lambda self: not self.tested.seconds_left())
    @rule()
    def begin_a_round(self) -> None:
        is_sending = self.tested.next_send() <= self.time.now
        assert self.tested.started()
        assert self.tested.may_send() == is_sending

    @rule(resync=st.booleans(), asked=st.none() | st.floats(0, 1e7))
    def succeed(self, resync: bool, asked: float | None) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.tested.succeeded(resync=resync, next_report_in_seconds=asked)
        assert self.tested.may_send()

    @rule(retry_after=st.none() | st.floats(0, 1e12))
    def fail(self, retry_after: float | None) -> None:
        self.tested.failed(retry_after_seconds=retry_after)
        assert not self.tested.may_send()
        self.closed_at = self.time.now

    @rule(how=st.sampled_from(["refused", "misdirected"]))
    def be_refused(self, how: str) -> None:
        getattr(self.tested, how)()
        assert not self.tested.may_send()
        self.closed_at = self.time.now

    @rule(trigger=st.sampled_from([*EARLY, Trigger.MANUAL]))
    def request(self, trigger: Trigger) -> None:
        self.tested.request(trigger)

    @rule(interval=intervals)
    def configure(self, interval: int) -> None:
        self.tested.configure(interval_seconds=interval)

    @invariant()
    def no_sleep_is_long_and_none_is_negative(self) -> None:
        assert 0 <= self.tested.next_sleep() <= LONGEST_SLEEP_SECONDS

    @invariant()
    def the_next_round_comes(self) -> None:
        assert self.tested.seconds_left() <= 1.1 * MAX_INTERVAL_SECONDS

    @invariant()
    def what_may_not_be_sent_may_be_sent_in_time(self) -> None:
        if (
            self.closed_at is not None
            and self.time.now >= self.closed_at + 1.1 * LONGEST_RETRY_AFTER_SECONDS + RETRY_CAP_SECONDS
        ):
            assert self.tested.may_send()


ScheduleMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestScheduleMachine = ScheduleMachine.TestCase
