"""From the server's answer to a result of each component, and to an exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence

import attrs

from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import EXIT_CODES, Failure, Trouble
from firmtrail_agent.sources import Reading

_NO_ROOM = Failure(
    trouble=Trouble.REJECTED, message="a report has no room for it: let the sources speak of fewer components"
)


@attrs.frozen(kw_only=True)
class Result:
    """What became of one component. Without `outcome` and `failure` there was no version to send, or it waits."""

    reading: Reading
    #: what the server made of the report: `opened`, `extended` or `known`
    outcome: str | None = None
    failure: Failure | None = None

    @property
    def error(self) -> str | None:
        """Say what went wrong, at the source or on the way."""
        return self.failure.message if self.failure else self.reading.error


def results_of(readings: Sequence[Reading], delivery: Delivery) -> list[Result]:
    """Say of each component that was read just now what became of it."""
    receipt, failure = delivery.receipt, delivery.failure
    if failure is None and receipt is None and delivery.refused:
        failure = Failure(trouble=Trouble.REJECTED, message=delivery.refused[-1])
    outcomes = {one.component: one.outcome for one in receipt.components} if receipt and not failure else {}
    return [
        Result(reading=reading)
        if reading.error
        else Result(
            reading=reading,
            outcome=outcomes.get(reading.component),
            failure=_NO_ROOM if outcomes and reading.component not in outcomes else failure,
        )
        for reading in readings
        if not reading.is_absent
    ]


def exit_code(results: Sequence[Result]) -> int:
    """Sum up a round in a code of sysexits.h; it is a success only if a version of every component was taken."""
    troubles = {result.failure.trouble for result in results if result.failure}
    for trouble in Trouble:
        if trouble in troubles:
            return EXIT_CODES[trouble]
    return os.EX_OK if results and not any(result.error for result in results) else os.EX_DATAERR
