"""What the daemon says about its work: log lines when something changes, and the status that systemctl shows."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Sequence

from firmtrail_agent.log import OnChange
from firmtrail_agent.reporting import Failure, Result, Trouble
from firmtrail_agent.systemd import Notifier

_MINUTE, _HOUR = 60, 3600


class News:
    """Tells people how the last round went."""

    def __init__(self, log: OnChange, notifier: Notifier) -> None:
        self._log = log
        self._notifier = notifier

    def waits(self, seconds: float) -> None:
        """Say that there was no report yet."""
        self._notifier.send(f"STATUS=starting: first report in {_rough(seconds)}")

    def broke(self, error: Exception, *, next_in_seconds: float) -> None:
        """Say that a round ended with an error that no round should end with."""
        self._log.warning("report", "".join(traceback.format_exception(error)), kind=repr(error))
        self._notifier.send(f"STATUS=degraded: {type(error).__name__}, see the log; next in {_rough(next_in_seconds)}")

    def tell(self, results: Sequence[Result], failure: Failure | None, *, next_in_seconds: float) -> None:
        if failure and failure.trouble is not Trouble.REJECTED:
            self._log.warning("report", f"{failure.trouble}: {failure.message}", kind=failure.trouble)
        else:
            self._log.recovered("report", "the server takes reports again")
        for result in results:
            self._tell_of_component(result)
        self._notifier.send(f"STATUS={_status(results, failure)}; next in {_rough(next_in_seconds)}")

    def _tell_of_component(self, result: Result) -> None:
        component, topic = result.reading.component, f"component {result.reading.component}"
        rejected = result.failure and result.failure.trouble is Trouble.REJECTED
        if result.reading.error or rejected:
            self._log.warning(topic, f"{component}: {result.error}")
        elif result.outcome:
            self._log.recovered(topic, f"{component}: version {result.reading.version} is reported again")


def _status(results: Sequence[Result], failure: Failure | None) -> str:
    if failure:
        return f"degraded: {failure.trouble}: {failure.message}"
    if not results:
        return "degraded: no source gives a version"
    faulty = [result.reading.component for result in results if result.error]
    if faulty:
        return f"degraded: no version of {', '.join(faulty)}"
    versions = ", ".join(f"{result.reading.component} {result.reading.version}" for result in results)
    return f"ok: {versions}, reported {dt.datetime.now(dt.UTC):%H:%M} UTC"


def _rough(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:.1f} h"
    return f"{seconds / _MINUTE:.0f} min" if seconds >= _MINUTE else f"{seconds:.0f} s"
