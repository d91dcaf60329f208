"""What wrk has said, read; recorded from real runs."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from bench.errors import CannotMeasure, WrongAnswers
from bench.load import Load, find_wrk, parsed
from bench.site import check_answers, check_stored

OUTPUT = """\
Running 3s test @ http://127.0.0.1:33545
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     7.29ms    4.34ms  84.80ms   85.78%
    Req/Sec     9.04k     2.07k   12.01k    73.33%
  27080 requests in 3.02s, 4.36MB read
  Non-2xx or 3xx responses: 3
Requests/sec:   8964.25
Transfer/sec:      1.44MB
counted p50_ms=6.905 broken=0 p99_ms=20.763 slowest_ms=84.804 wrong=3 requests=27080 seconds=3.020888 position=127121
"""


def made_of(*, requests: int = 100, abandoned: int = 0, wrong: int = 0) -> Load:
    times = {"seconds": 1.0, "p50_ms": 1.0, "p99_ms": 2.0, "slowest_ms": 3.0}
    return Load(requests=requests, wrong=wrong, broken=0, abandoned=abandoned, **times)


def test_a_run_is_read_from_the_line_that_the_script_prints() -> None:
    counted, position = parsed(OUTPUT, 100_000)

    assert position == 127_121
    assert counted == Load(
        requests=27_080,
        seconds=3.020888,
        p50_ms=6.905,
        p99_ms=20.763,
        slowest_ms=84.804,
        wrong=3,
        broken=0,
        abandoned=41,
    )
    assert round(counted.rate) == 8964


def test_a_run_that_says_nothing_measures_nothing() -> None:
    with pytest.raises(CannotMeasure, match="unable to connect"):
        parsed("unable to connect to 127.0.0.1:1 Connection refused\n", 0)


def test_a_missing_wrk_is_one_sentence_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(CannotMeasure, match=r"^wrk, the load generator, is not installed: apt install wrk"):
        find_wrk()


def test_one_wrong_answer_spoils_a_load() -> None:
    with pytest.raises(WrongAnswers, match="ours: 1 of 100 answers had a status that was not wanted"):
        check_answers("ours", made_of(wrong=1))


def test_a_load_without_an_answer_measures_nothing() -> None:
    with pytest.raises(CannotMeasure, match="not one request"):
        check_answers("ours", made_of(requests=0))


@pytest.mark.parametrize("stored", [100, 101, 102])
def test_what_was_abandoned_may_be_stored_or_not(stored: int) -> None:
    check_stored("ours", made_of(abandoned=2), stored)


@pytest.mark.parametrize("stored", [99, 103])
def test_a_lost_report_and_an_invented_one_spoil_a_load(stored: int) -> None:
    with pytest.raises(WrongAnswers, match=rf"100 reports were acknowledged and 2 abandoned, .* but {stored} stored"):
        check_stored("ours", made_of(abandoned=2), stored)


@pytest.mark.parametrize(("stored", "good"), [(199, False), (200, True), (204, True), (205, False)])
def test_each_observation_of_a_batch_is_counted(stored: int, *, good: bool) -> None:
    expected = nullcontext() if good else pytest.raises(WrongAnswers)

    with expected:
        check_stored("batches", made_of(abandoned=2), stored, observations=2)
