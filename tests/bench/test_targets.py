"""Ratios are taken within a round, and judged by their median."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.rows import Round, Row, Sample, median_sample, sample_of
from bench.table import Result, as_markdown
from bench.targets import TARGETS, Target, Verdict, verdicts


def sample(rate: float, *, p50_ms: float = 1.0, app_us: float | None = 10.0) -> Sample:
    return Sample(rate=rate, p50_ms=p50_ms, p99_ms=p50_ms, slowest_ms=p50_ms, app_us=app_us)


def verdict_on(text: str, rounds: Sequence[Round]) -> Verdict:
    return next(verdict for verdict in verdicts(rounds) if verdict.target.text == text)


def test_a_ratio_is_of_one_round_and_the_median_of_the_rounds_decides() -> None:
    rounds = [
        {Row.BASIC: sample(ours), Row.ECHO: sample(echo)} for ours, echo in [(80, 100), (8, 10), (70, 100), (40, 50)]
    ]

    verdict = verdict_on("reports / bare echo, Basic (the goal: 0.75)", rounds)

    assert verdict.ratios == [0.8, 0.8, 0.7, 0.8]
    assert verdict.median == 0.8
    assert verdict.met


def test_a_missed_target_is_said() -> None:
    rounds = [{Row.BASIC: sample(64), Row.ECHO: sample(100)}]

    assert verdict_on("reports / bare echo, Basic (the goal: 0.75)", rounds).met is False
    assert "MISSED" in as_markdown(Result({}, rounds, verdicts(rounds)), "Reports")


def test_a_target_whose_rows_are_missing_is_not_met_and_not_missed() -> None:
    rounds = [{Row.ECHO: sample(100)}]

    assert {verdict.met for verdict in verdicts(rounds)} == {None}
    assert "MISSED" not in as_markdown(Result({}, rounds, verdicts(rounds)), "Reports")


def test_cpu_is_compared_within_the_app() -> None:
    rounds = [{Row.BASIC: sample(1, app_us=60.0), Row.ECHO: sample(1, app_us=40.0)}]

    assert verdict_on("CPU of a report / of a bare echo, in the app, Basic", rounds).ratios == [1.5]


def test_one_report_is_compared_with_an_insert_and_an_echo_together() -> None:
    rounds = [
        {
            Row.BASIC_ALONE: sample(1, p50_ms=0.7),
            Row.INSERT_ALONE: sample(1, p50_ms=0.25),
            Row.ECHO_ALONE: sample(1, p50_ms=0.25),
        }
    ]

    verdict = verdict_on("1 connection: p50 of a report / of one INSERT plus one bare echo", rounds)

    assert verdict.ratios == [1.4]
    assert verdict.met is False


@pytest.mark.parametrize(("ratio", "met"), [(0.89, False), (0.9, True), (1.0, True), (1.1, True), (1.11, False)])
def test_a_target_may_be_bounded_on_both_sides(ratio: float, *, met: bool) -> None:
    target = Target("same time", lambda _: ratio, at_least=0.9, at_most=1.1)

    assert target.allows(ratio) is met
    assert target.bounds == ">= 0.9, <= 1.1"


def test_no_two_targets_have_one_name() -> None:
    assert len({target.text for target in TARGETS}) == len(TARGETS)


def test_each_figure_of_a_row_is_the_median_of_its_rounds() -> None:
    rounds = [sample(1, p50_ms=3.0), sample(2, p50_ms=1.0), sample(9, p50_ms=2.0, app_us=None)]

    median = median_sample(rounds)

    assert (median.rate, median.p50_ms, median.app_us) == (2, 2.0, 10.0)
    assert median.database_us is None


def test_percentiles_are_of_the_single_latencies() -> None:
    measured = sample_of([float(n) for n in range(1, 1000)], rate=7.0)

    assert (measured.p50_ms, measured.p99_ms, measured.slowest_ms) == (500.0, 990.0, 999.0)


def test_the_result_is_a_markdown_table() -> None:
    rounds = [{Row.ECHO: Sample(rate=12_345.6, p50_ms=4.567, p99_ms=9.0, slowest_ms=12.5, app_us=41.2)}]

    text = as_markdown(Result({"CPU": "a fast one"}, rounds, verdicts(rounds)), "Reports")

    assert text.startswith("# Reports\n")
    assert "| bare aiohttp echo |     12,346 |   4.57 |   9.00 |      12.50 |       41.20 |" in text
    assert "- CPU: a fast one" in text
