"""Which records the spool keeps, through every order of events."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmtrail import ClockState, ComponentReading, ObservationRecord
from firmtrail_agent.state.spool import MAX_BYTES, MAX_RECORDS, REWRITE_SECONDS, Spool
from tests.agent.spool.support.spool_files import Opener, files, told
from tests.agent.support.observations import DEVICE, Time, observed, reading


def test_what_is_urgent_survives_a_restart_at_once(opened: Opener) -> None:
    opened().add(observed("1", 5), urgent=True)

    assert told(opened()) == [("1", 5, None)]


def test_observations_that_say_the_same_extend_one_record(opened: Opener) -> None:
    spool = opened()
    for ms in (5, 6, 9):
        spool.add(observed("1", ms), urgent=True)
    spool.add(observed("2", 10), urgent=True)
    spool.add(observed("1", 11), urgent=True)

    assert told(opened()) == [("1", 5, 9), ("2", 10, None), ("1", 11, None)]


def test_a_record_is_extended_across_a_reboot(opened: Opener) -> None:
    opened().add(observed("1", 5, boot=1), urgent=True)
    opened().add(observed("1", 3, boot=2), urgent=True)

    (record,) = opened().records
    assert (record.first_observed, record.last_observed) == (reading(5, boot=1), reading(3, boot=2))


def test_the_only_reading_that_tells_the_time_of_a_boot_is_kept(opened: Opener) -> None:
    synced = {"clock_state": ClockState.SYNCED}
    spool = opened()
    spool.add(observed("1", 1), urgent=True)
    spool.add(attrs.evolve(observed("1", 2), first_observed=attrs.evolve(reading(2), **synced)), urgent=True)
    spool.add(attrs.evolve(observed("1", 3), first_observed=attrs.evolve(reading(3), **synced)), urgent=True)
    spool.add(observed("1", 1, boot=2), urgent=True)
    spool.add(observed("1", 1, boot=3), urgent=True)

    assert told(opened()) == [("1", 1, 3), ("1", 1, 1)]


def test_the_words_of_an_error_do_not_make_a_new_record(opened: Opener) -> None:
    spool = opened()
    for ms in (1, 2):
        failing = ComponentReading(component="main", error=f"no answer after {ms} s")
        spool.add(ObservationRecord(first_observed=reading(ms), components=[failing]), urgent=True)

    assert len(spool.records) == 1


def test_what_changes_nothing_is_written_after_an_hour_and_not_before(
    opened: Opener, directory: Path, time: Time
) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)
    time.now = REWRITE_SECONDS - 1
    spool.add(observed("1", 1), urgent=False)
    before = files(directory)
    time.now = REWRITE_SECONDS
    spool.add(observed("1", 2), urgent=False)

    assert before == []
    assert told(opened()) == [("1", 0, 2)]


def test_an_urgent_record_takes_those_before_it_along(opened: Opener) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)
    spool.add(observed("2", 1), urgent=True)

    assert told(opened()) == [("1", 0, None), ("2", 1, None)]


def test_nothing_is_lost_when_the_agent_ends_in_order(opened: Opener) -> None:
    spool = opened()
    spool.add(observed("1", 0), urgent=False)

    spool.persist()

    assert told(opened()) == [("1", 0, None)]


def test_a_quiet_month_offline_is_one_record_and_a_write_an_hour_at_most(
    opened: Opener, directory: Path, time: Time
) -> None:
    spool, writes = opened(), set[tuple[int, int]]()
    for _ in range(30 * 24 * 4):
        time.now += 15 * 60
        spool.add(observed("1", int(time.now * 1000)), urgent=False)
        writes |= {(file.stat().st_ino, file.stat().st_mtime_ns) for file in directory.glob("*.record")}

    assert told(spool) == [("1", 15 * 60 * 1000, 30 * 24 * 3600 * 1000)]
    assert len(writes) <= 30 * 24


def test_what_the_server_has_is_deleted(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)

    spool.acknowledge(2)

    assert told(spool) == told(opened()) == [("2", 2, None)]
    assert len(files(directory)) == 1


def test_a_number_is_not_used_again_after_a_restart(opened: Opener) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)
    spool.acknowledge(1)

    again = opened()
    again.add(observed("3", 3), urgent=True)

    assert [version for version, _, _ in told(opened())] == ["1", "2", "3"]


def test_when_it_is_full_the_oldest_in_the_middle_are_dropped_and_counted(opened: Opener) -> None:
    spool = opened()
    for ms in range(MAX_RECORDS + 10):
        spool.add(observed(str(ms), ms), urgent=True)

    for found in (spool, opened()):
        assert len(found.records) == MAX_RECORDS
        assert [version for version, _, _ in told(found)][:2] == ["0", "11"]
        assert told(found)[-1][0] == str(MAX_RECORDS + 9)
        assert [record.dropped_before for record in found.records[:3]] == [0, 10, 0]
    assert spool.dropped == 10


def test_large_records_are_dropped_for_their_size(opened: Opener) -> None:
    spool = opened()
    for ms in range(20):
        components = [ComponentReading(component=f"c{n}", version="x" * 100 + str(ms)) for n in range(200)]
        spool.add(ObservationRecord(first_observed=reading(ms), components=components), urgent=True)

    assert sum(len(spool_file.read_bytes()) for spool_file in spool._directory.glob("*.record")) <= MAX_BYTES + 1000  # pyright: ignore[reportOptionalMemberAccess]  it has one
    assert (spool.records[0].first_observed.boot_time_ms, spool.records[-1].first_observed.boot_time_ms) == (0, 19)


def test_a_record_that_the_server_refuses_is_put_aside(opened: Opener, directory: Path) -> None:
    spool = opened()
    for ms in range(3):
        spool.add(observed(str(ms), ms), urgent=True)

    spool.quarantine(1)

    assert [version for version, _, _ in told(opened())] == ["0", "2"]
    assert len(files(directory / "bad")) == 1


class SpoolMachine(RuleBasedStateMachine):
    """Any order of events, against a list of what must be there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.time = Time()
        self.spool = Spool(self.directory, DEVICE, boot_time=self.time)
        #: version, first, last, and how many are missing before it
        self.expected: list[list[Any]] = []
        #: behind the last one
        self.missing = 0

    @property
    def directory(self) -> Path:
        return Path(self.folder.name) / "spool"

    @rule(version=st.sampled_from("ABC"), urgent=st.booleans())
    def observe(self, version: str, urgent: bool) -> None:  # noqa: FBT001  hypothesis passes it by name
        self.time.now += 1
        ms = int(self.time.now)
        if self.expected and self.expected[-1][0] == version and not self.missing:
            self.expected[-1][2] = ms
        else:
            self.expected.append([version, ms, None, self.missing])
            self.missing = 0
        self.spool.add(observed(version, ms), urgent=urgent)

    @rule(share=st.floats(0, 1))
    def acknowledge(self, share: float) -> None:
        count = round(share * len(self.expected))
        self.spool.acknowledge(count)
        del self.expected[:count]

    @precondition(lambda self: bool(self.expected))
    @rule(share=st.floats(0, 1, exclude_max=True))
    def quarantine(self, share: float) -> None:
        index = int(share * len(self.expected))
        self.spool.quarantine(index)
        missing = 1 + self.expected.pop(index)[3]
        if index < len(self.expected):
            self.expected[index][3] += missing
        else:
            self.missing += missing

    @rule()
    def end_and_start(self) -> None:
        self.spool.persist()
        self._start()

    @rule()
    def lose_power(self) -> None:
        stored = [entry.stored for entry in self.spool._entries if entry.stored]
        self._start()
        assert self.spool.records == stored
        self.expected = self._held()

    @rule()
    def hours_pass(self) -> None:
        self.time.now += 2 * REWRITE_SECONDS

    @invariant()
    def it_holds_what_it_must(self) -> None:
        assert self._held() == self.expected
        assert self.spool.corrupt == 0

    def _start(self) -> None:
        self.spool = Spool(self.directory, DEVICE, boot_time=self.time)
        self.missing = 0

    def _held(self) -> list[list[Any]]:
        records = self.spool.records
        return [[*one, record.dropped_before] for one, record in zip(told(self.spool), records, strict=True)]

    def teardown(self) -> None:
        self.folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestSpoolMachine = SpoolMachine.TestCase
