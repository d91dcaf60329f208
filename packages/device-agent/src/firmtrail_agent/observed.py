"""What the device is known to run: what was observed is kept until the server has it, on the disk if it is new."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from firmtrail import ComponentReading, ObservationRecord, from_json, to_json
from firmtrail_agent import durable
from firmtrail_agent.spool import Spool, says_the_same

_FILE = "reported.json"


class Observed:
    """The spool, and what the server has heard last."""

    def __init__(self, spool: Spool, state: Path | None) -> None:
        self.spool = spool
        self._file = state / _FILE if state else None
        self._reported = self._read()

    def add(self, record: ObservationRecord) -> None:
        """Keep an observation. What changes something is on the disk before anybody hears of it."""
        records = self.spool.records
        before = records[-1].components if records else self._reported
        self.spool.add(record, urgent=not says_the_same(before, record.components))

    def reported(self, record: ObservationRecord) -> None:
        """Remember what the server has heard, so that the same is nothing new after a reboot."""
        if says_the_same(self._reported, record.components):
            return
        self._reported = record.components
        if self._file is not None:
            with suppress(OSError):  # the next boot then takes it for new, and reports it once more
                durable.write(self._file, to_json(record))

    def _read(self) -> Sequence[ComponentReading]:
        if self._file is None:
            return []
        try:
            return from_json(durable.read(self._file), ObservationRecord).components
        except (OSError, durable.Corrupt, ValueError):
            return []
