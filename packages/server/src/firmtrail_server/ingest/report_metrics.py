"""What is counted of reports, a group at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from firmtrail_contract import ReportOutcome
from firmtrail_server.queries.reports import Stored
from firmtrail_server.telemetry.metrics import Metrics

_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 250.0)


class ReportMetrics:
    """Counts what became of reports."""

    def __init__(self, metrics: Metrics) -> None:
        self._sizes = metrics.histogram("firmtrail_report_batch_size", "Reports stored by one transaction.", _BOUNDS)
        name, text = "firmtrail_reports_total", "Versions reported, by what they did to the history."
        self._outcomes = {one: metrics.counter(name, text, outcome=one.value) for one in ReportOutcome}

    def add_group(self, stored: Sequence[list[Stored]]) -> None:
        """Count a group that was stored; a report of which nothing was is late, new or refused."""
        self._sizes.observe(len(stored))
        self.add(one for of_report in stored for one in of_report)

    def add(self, stored: Iterable[Stored]) -> None:
        for outcome, count in Counter([one.outcome for one in stored]).items():
            self._outcomes[outcome].add(count)
