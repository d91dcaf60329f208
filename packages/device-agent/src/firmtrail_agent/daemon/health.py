"""What the daemon says about its work: log lines when something changes, and how it stands."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from firmtrail_agent.daemon import status_file
from firmtrail_agent.daemon.status_file import Status
from firmtrail_agent.report.results import Result
from firmtrail_agent.server.delivery import Delivery
from firmtrail_agent.server.failures import Failure, Trouble
from firmtrail_agent.state.spool import Spool
from firmtrail_agent.system import log
from firmtrail_agent.system.log import OnChange
from firmtrail_agent.system.sd_notify import Notifier
from firmtrail_agent.validation.redact import one_line


class Health:
    """Tells people how things go."""

    def __init__(self, said: OnChange, notifier: Notifier, directory: Path) -> None:
        self._log = said
        self._notifier = notifier
        self._directory = directory
        self._status = Status(pid=os.getpid(), started=status_file.started(os.getpid()), next_round=0.0)
        self._written: Status | None = None
        self._sentence = ""
        #: problems, each of one topic
        self._problems: dict[str, str] = {}

    def opened(self, spool: Spool) -> None:
        """Tell of what the spool has gone through while nobody looked."""
        if spool.corrupt:
            log.warning(f"{spool.corrupt} damaged records of the spool were put aside")

    def stopped(self, spool: Spool) -> None:
        """Tell of what ends with the process."""
        if spool.in_memory:
            reason = spool.trouble or "the disk does not answer"
            log.error(f"{spool.in_memory} records that could not be sent are lost: {reason}")

    def observed(self, results: Sequence[Result], spool: Spool) -> None:
        """Tell of the sources and of the spool."""
        self._problem("sources", None if results else "no source gives a version")
        for result in results:
            component, topic = result.reading.component, f"component {result.reading.component}"
            if result.reading.error:
                self._log.warning(topic, f"{component}: {result.reading.error}")
            else:
                self._log.recovered(topic, f"{component}: it can be read again")
        faulty = [result.reading.component for result in results if result.reading.error]
        self._problem("components", f"no version of {', '.join(faulty)}" if faulty else None)
        self._problem("spool", spool.trouble)
        if spool.trouble:
            self._log.warning("spool", f"records are kept in memory: {spool.trouble}", kind=spool.trouble)
        else:
            self._log.recovered("spool", "records are written to the disk again")
        if spool.dropped:
            self._log.warning("dropped", f"there was no room for {spool.dropped} records", kind="dropped")
        self._status = attrs.evolve(self._status, versions=_versions(results), spool=_counts(spool))

    def delivered(self, delivery: Delivery, spool: Spool, now: float) -> None:
        """Tell of an exchange with the server."""
        failure = delivery.failure
        self._problem("server", f"{failure.trouble}: {failure.message}" if failure else None)
        if failure:
            self._log.warning("server", f"{failure.trouble}: {failure.message}", kind=_kind(failure))
        else:
            self._log.recovered("server", "the server takes reports again")
        if delivery.record is not None:
            self._status = attrs.evolve(self._status, last_report=now)
        for words in delivery.refused:
            self._log.warning("refused", f"the server refuses a record, it is put aside: {words}", kind="refused")
        if delivery.record is not None:
            self._log.recovered("refused", "the server refuses no record any more")
        self._problem("refused", f"rejected: {delivery.refused[-1]}" if delivery.refused else None)
        self._status = attrs.evolve(self._status, spool=_counts(spool))

    def broke(self, error: Exception) -> None:
        """Tell of an error that no round should end with."""
        self._log.warning("round", *"".join(traceback.format_exception(error)).splitlines(), kind=repr(error))
        self._problem("round", f"{type(error).__name__}, see the log")

    def went_well(self) -> None:
        self._problem("round", None)

    def warn(self, topic: str, message: str) -> None:
        self._log.warning(topic, message)

    def recovered(self, topic: str, message: str) -> None:
        self._log.recovered(topic, message)

    def refresh(self, *, now: float, next_round: float, next_send: float) -> None:
        """Bring up to date what systemd and `status` show."""
        self._status = attrs.evolve(
            self._status, problems=[*self._problems.values()], next_round=next_round, next_send=next_send
        )
        if self._status != self._written:
            self._written = self._status
            status_file.write(self._status, self._directory)
        said = status_file.sentence(self._status, now)
        if said != self._sentence:
            self._sentence = said
            self._notifier.send(f"STATUS={said}")

    def _problem(self, topic: str, message: str | None) -> None:
        if message:
            self._problems[topic] = one_line(message)
        else:
            self._problems.pop(topic, None)


def _kind(failure: Failure) -> str:
    """Tell apart what people have to do about it; a 500 after a 503 is no news."""
    if failure.trouble is Trouble.TEMPORARY:
        return f"{failure.trouble}{' of something on the way' if failure.is_foreign else ''}"
    return f"{failure.trouble} {failure.status}"


def _versions(results: Sequence[Result]) -> Mapping[str, str]:
    return {result.reading.component: result.reading.version for result in results if result.reading.version}


def _counts(spool: Spool) -> Mapping[str, int]:
    return {
        "records": len(spool.records),
        "in_memory": spool.in_memory,
        "dropped": spool.dropped,
        "corrupt": spool.corrupt,
        "others": spool.others,
    }
