"""What was observed is kept until the server has it, on the disk if it is new; and what the server heard last."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from firmtrail import ComponentReading, ObservationRecord
from firmtrail_agent.state import record_files
from firmtrail_agent.state.spool import Spool, says_the_same
from firmtrail_agent.system import atomic_file

_FILE = "reported.json"


class Observations:
    """The spool, and what the server has heard last of its device."""

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
                record_files.write(self._file, self.spool.device_id, record)

    def belong_to(self, device_id: uuid.UUID) -> None:
        """Go on as another device: its configuration names another one."""
        self.spool.belong_to(device_id)
        self._reported = self._read()

    def _read(self) -> Sequence[ComponentReading]:
        if self._file is None:
            return []
        try:
            owned = record_files.read(self._file)
        except (OSError, atomic_file.Corrupt, ValueError):
            return []
        return owned.record.components if owned.device_id == self.spool.device_id else []
