"""What could not be reported yet. Each record is a file of its own, so that no accident takes more than one.

A version is a state: an observation that says the same as the last one extends its record, and only changes make new
ones, of the versions or of what is known of the time. What is kept is in memory, too; a disk that cannot be written
makes the spool smaller, not useless. What its directory holds of other devices is put aside: see record_files.py.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

import attrs

from firmtrail import ClockReading, ClockState, ComponentReading, ObservationRecord, to_json
from firmtrail_agent.state import record_files
from firmtrail_agent.system import atomic_file

MAX_RECORDS = 256
MAX_BYTES = 256 * 1024
#: of records that are on no disk
MAX_IN_MEMORY = 32
#: left for others on the disk
FREE_BYTES = 512 * 1024
#: an observation that changes nothing can wait for so long until it is written: a power cut costs an hour's knowledge
#: of a version that ran on, not flash memory
REWRITE_SECONDS = 3600.0


@attrs.define
class _Entry:
    number: int
    record: ObservationRecord
    size: int
    #: what its file holds; None: there is none
    stored: ObservationRecord | None = None


class Spool:
    """Records of a device, oldest first, in a directory that has no other user; without one in memory alone.

    `takes_unowned`: a record that does not say whose it is was written by this device.
    """

    def __init__(
        self,
        directory: Path | None,
        device_id: uuid.UUID,
        *,
        boot_time: Callable[[], float],
        takes_unowned: bool = False,
    ) -> None:
        self._directory = directory
        self.device_id = device_id
        self._takes_unowned = takes_unowned
        self._boot_time = boot_time
        self._entries: list[_Entry] = []
        self._damaged = set[int]()
        self._next_number = 1
        self._unwritten_since: float | None = None
        #: why new records are in memory alone; None: they are not
        self.trouble: str | None = None
        #: files that were damaged
        self.corrupt = 0
        #: records that there was no room for
        self.dropped = 0
        #: records that are lost behind the last one; the next one says so
        self._missing = 0
        #: records of other devices that were put aside just now, and all that there are
        self.newly_others = self.others = 0
        self._load()

    @property
    def records(self) -> list[ObservationRecord]:
        return [entry.record for entry in self._entries]

    @property
    def last_reading(self) -> ClockReading | None:
        """When the newest record was observed last."""
        if not self._entries:
            return None
        record = self._entries[-1].record
        return record.last_observed or record.first_observed

    @property
    def in_memory(self) -> int:
        """How many records would be lost now with the power."""
        return sum(entry.stored is None for entry in self._entries)

    def add(self, observed: ObservationRecord, *, urgent: bool) -> None:
        """Keep an observation; one that is not urgent is written to the disk later."""
        last = self._entries[-1] if self._entries else None
        if last is not None and not self._missing and _extends(last.record, observed):
            self._replace(last, attrs.evolve(last.record, last_observed=observed.first_observed))
        else:
            record, self._missing = _after(observed, self._missing), 0
            self._entries.append(_Entry(self._next_number, record, _size(record)))
            self._next_number += 1
        self._make_room()
        if self._unwritten_since is None:
            self._unwritten_since = self._boot_time()
        if urgent or self.trouble or self._boot_time() - self._unwritten_since >= REWRITE_SECONDS:
            self.persist()

    def persist(self) -> None:
        """Write what is in memory alone, as far as the disk takes it."""
        self._unwritten_since = None
        for entry in self._entries:
            if entry.stored != entry.record and not self._write(entry):
                return

    def acknowledge(self, count: int) -> None:
        """Forget the oldest records: the server has them."""
        for entry in self._entries[:count]:
            self._remove(entry)
        del self._entries[:count]
        if all(entry.stored == entry.record for entry in self._entries):
            self._unwritten_since = None

    def quarantine(self, index: int) -> None:
        """Put a record aside that the server refuses."""
        entry = self._entries.pop(index)
        self._miss(entry.number, 1 + entry.record.dropped_before)
        if entry.stored is not None:
            record_files.put_aside(self._file(entry.number), into=record_files.BAD)

    def belong_to(self, device_id: uuid.UUID) -> None:
        """Become the spool of another device: the records of this one are put aside, and what that one left is back."""
        self.persist()
        self.dropped += self.in_memory
        self._entries.clear()
        self._missing = 0
        self.device_id, self.newly_others = device_id, 0
        self._load()

    def _load(self) -> None:
        if self._directory is None:
            return
        try:
            atomic_file.make_directory(self._directory)
            for file in record_files.files_in(self._directory):
                self._load_file(file)
            for file in record_files.bring_back(self._directory, self.device_id):
                self._load_file(file)
            self.others = len(record_files.files_in(self._directory / record_files.OTHERS))
        except OSError as error:
            self._failed(error)
        self._entries.sort(key=lambda entry: entry.number)
        for number in sorted(self._damaged):
            self._miss(number, 1)
        self._damaged.clear()

    def _load_file(self, file: Path) -> None:
        try:
            number, owned = int(file.stem), record_files.read(file)
        except (atomic_file.Corrupt, ValueError, OSError):
            self.corrupt += 1
            self._damaged |= {int(file.stem)} if file.stem.isdecimal() else set()
            record_files.put_aside(file, into=record_files.BAD)
            return
        is_taken = owned.device_id is None and self._takes_unowned
        if owned.device_id != self.device_id and not is_taken:
            self.newly_others += 1
            record_files.put_aside_of_another(file, owned.device_id)
            return
        entry = _Entry(number, owned.record, _size(owned.record), stored=owned.record)
        self._entries.append(entry)
        self._next_number = max(self._next_number, number + 1)
        if is_taken:
            self._write(entry)

    def _make_room(self) -> None:
        """Drop the oldest between the first, which says what ran when contact was lost, and the last."""
        while len(self._entries) > MAX_RECORDS or (
            len(self._entries) > 2 and sum(entry.size for entry in self._entries) > MAX_BYTES  # noqa: PLR2004  first and last
        ):
            self._drop(1)
        in_memory = [index for index, entry in enumerate(self._entries) if entry.stored is None]
        if len(in_memory) > MAX_IN_MEMORY:
            self._drop(in_memory[1])

    def _drop(self, index: int) -> None:
        """The next record says how many are missing before it; it is written first, so that none goes unmentioned."""
        dropped, following = self._entries.pop(index), self._entries[index]
        missing = dropped.record.dropped_before + 1 + following.record.dropped_before
        self._replace(following, attrs.evolve(following.record, dropped_before=missing))
        if following.stored is not None:
            self._write(following)
        self._remove(dropped)
        self.dropped += 1

    def _miss(self, number: int, count: int) -> None:
        """Let the record behind a lost one say how many are missing before it."""
        following = next((entry for entry in self._entries if entry.number > number), None)
        if following is None:
            self._missing += count
            return
        self._replace(following, _after(following.record, count))
        if following.stored is not None:
            self._write(following)

    def _replace(self, entry: _Entry, record: ObservationRecord) -> None:
        entry.record, entry.size = record, _size(record)

    def _write(self, entry: _Entry) -> bool:
        if self._directory is None:
            return False
        try:
            if self.trouble:  # the directory may be what is missing
                atomic_file.make_directory(self._directory)
            _require_room(self._directory)
            record_files.write(self._file(entry.number), self.device_id, entry.record)
        except OSError as error:
            self._failed(error)
            return False
        entry.stored, self.trouble = entry.record, None
        return True

    def _failed(self, error: OSError) -> None:
        self.trouble = f"{self._directory} cannot be written: {error.strerror or error}"

    def _remove(self, entry: _Entry) -> None:
        if entry.stored is not None:
            with suppress(OSError):  # it will be sent again after the next start, which changes nothing
                self._file(entry.number).unlink()

    def _file(self, number: int) -> Path:
        assert self._directory is not None
        return self._directory / record_files.name(number)


def _extends(record: ObservationRecord, observed: ObservationRecord) -> bool:
    """Say whether an observation adds nothing but its moment, and takes the place of no moment that is needed.

    Where the wall clock of a boot was right, one reading tells the moments of all of them: the only one is kept.
    """
    replaced, kept = record.last_observed, (record.first_observed, observed.first_observed)
    loses_the_time = (
        replaced is not None
        and replaced.clock_state is ClockState.SYNCED
        and not any(one.boot_id == replaced.boot_id and one.clock_state is ClockState.SYNCED for one in kept)
    )
    return says_the_same(record.components, observed.components) and not loses_the_time


def says_the_same(one: Sequence[ComponentReading], other: Sequence[ComponentReading]) -> bool:
    """Compare versions; of an error it matters only that there is one, since its words may hold a time or a number."""
    return {c.component: (c.version, c.gone) for c in one} == {c.component: (c.version, c.gone) for c in other}


def _after(record: ObservationRecord, missing: int) -> ObservationRecord:
    return attrs.evolve(record, dropped_before=record.dropped_before + missing) if missing else record


def _size(record: ObservationRecord) -> int:
    return len(to_json(record))


def _require_room(directory: Path) -> None:
    disk = os.statvfs(directory)
    if disk.f_bavail * disk.f_frsize < FREE_BYTES:
        raise OSError(ENOSPC, f"less than {FREE_BYTES // 1024} KiB are free")
