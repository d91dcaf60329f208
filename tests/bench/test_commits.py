"""Reports a commit, from what a server's metrics tell."""

from __future__ import annotations

import pytest

from bench.commits import Commits, parsed
from bench.errors import CannotMeasure

METRICS = """\
# TYPE firmtrail_report_batch_size histogram
firmtrail_report_batch_size_bucket{le="1.0"} 3.0
firmtrail_report_batch_size_count 12.0
firmtrail_report_batch_size_sum 300.0
"""


def test_the_figures_are_found_among_the_others() -> None:
    assert parsed(METRICS) == Commits(reports=300, commits=12)


def test_metrics_without_them_measure_nothing() -> None:
    with pytest.raises(CannotMeasure, match="metrics"):
        parsed("# TYPE firmtrail_report_batch_size histogram\n")


def test_the_mean_is_of_what_came_since() -> None:
    assert Commits(reports=300, commits=12).mean_since(Commits(reports=100, commits=2)) == 20


def test_without_a_commit_there_is_no_mean() -> None:
    assert Commits(reports=300, commits=12).mean_since(Commits(reports=300, commits=12)) is None
