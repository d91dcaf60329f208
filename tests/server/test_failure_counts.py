"""What workers count together of wrong credentials, in memory of a fixed size."""

from __future__ import annotations

import tempfile
from collections.abc import Generator

import pytest

from firmtrail_server.auth.failure_counts import Counted, FailureMemory, lay_out

PERIOD = 60.0


@pytest.fixture
def file() -> Generator[int]:
    """The memory of two workers."""
    with tempfile.TemporaryFile() as memory:
        lay_out(memory.fileno(), 2)
        yield memory.fileno()


def test_workers_add_to_one_count_which_ends_for_all_at_once(file: int) -> None:
    first, second = (FailureMemory(2, file, worker).table(Counted.PASSWORDS) for worker in (1, 2))
    first.add("ada", 0, PERIOD)
    second.add("ada", 30, PERIOD)
    second.add("ada", 59, PERIOD)

    assert first.find("ada", 59) == second.find("ada", 59) == (3, PERIOD)
    assert first.find("ada", 60)[0] == second.find("ada", 60)[0] == 0


def test_a_count_begins_anew_after_its_end(file: int) -> None:
    counts = FailureMemory(2, file, 1).table(Counted.PASSWORDS)
    for _ in range(5):
        counts.add("ada", 0, PERIOD)
    counts.add("ada", 100, PERIOD)

    assert counts.find("ada", 100) == (1, 160)


def test_a_worker_that_takes_a_place_goes_on_with_its_counts(file: int) -> None:
    FailureMemory(2, file, 1).table(Counted.KEYS).add("a key", 0, PERIOD)
    again = FailureMemory(2, file, 1).table(Counted.KEYS)
    again.add("a key", 1, PERIOD)

    assert again.find("a key", 1) == (2, PERIOD)


def test_a_flood_of_others_takes_no_more_memory_and_no_place_of_what_ends_later() -> None:
    memory = FailureMemory()
    counts, others = memory.table(Counted.KEYS), memory.table(Counted.PASSWORDS)
    counts.add("ends last", 0, 10 * PERIOD)
    others.add("elsewhere", 0, PERIOD)
    for number in range(50_000):
        counts.add(f"guess {number}", 1, PERIOD)

    assert counts.find("ends last", 2) == (1, 10 * PERIOD)
    assert others.find("elsewhere", 2) == (1, PERIOD)
    assert counts.find("guess 49999", 2) == (1, 1 + PERIOD)
    assert sum(counts.find(f"guess {number}", 2)[0] for number in range(50_000)) < 5_000


@pytest.mark.parametrize("subject", ["", "\ud800", "a" * 100_000], ids=["empty", "half a character", "long"])
def test_any_text_is_a_subject(subject: str) -> None:
    counts = FailureMemory().table(Counted.MAILS)
    counts.add(subject, 0, PERIOD)

    assert counts.find(subject, 0) == (1, PERIOD)
