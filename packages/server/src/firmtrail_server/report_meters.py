"""What is counted of reports, a batch at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from firmtrail_contract import FirmwareReceipt, ReportOutcome
from firmtrail_server.meters import Meters
from firmtrail_server.recording import Receipts

_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 250.0)


class ReportMeters:
    """Counts what became of reports."""

    def __init__(self, meters: Meters) -> None:
        self._sizes = meters.histogram("firmtrail_report_batch_size", "Reports stored by one transaction.", _BOUNDS)
        name, text = "firmtrail_reports_total", "Versions reported, by what they did to the history."
        self._outcomes = {one: meters.counter(name, text, outcome=one.value) for one in ReportOutcome}

    def add_batch(self, outcomes: Sequence[Receipts | Exception]) -> None:
        """Count a batch that was stored; what is no receipts is late or was refused."""
        self._sizes.observe(len(outcomes))
        self.add([receipt for receipts in outcomes if isinstance(receipts, list) for receipt in receipts])

    def add(self, receipts: Sequence[FirmwareReceipt]) -> None:
        for outcome, count in Counter([receipt.outcome for receipt in receipts]).items():
            self._outcomes[outcome].add(count)
