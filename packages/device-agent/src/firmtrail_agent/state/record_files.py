"""The files that hold records, one each. A file names its device, so that no other device reports it as its own."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from pathlib import Path

import attrs

from firmtrail import ObservationRecord, from_json, to_json
from firmtrail_agent.system import atomic_file

#: in a spool: what is damaged or refused, and what is of other devices
BAD, OTHERS = "bad", "others"
#: in each of the two; a whole spool of another device may come back to that device
MAX_FILES = {BAD: 8, OTHERS: 256}
_SUFFIX = ".record"
#: earlier versions of the agent did not write whose a record is
_UNKNOWN = "unknown"


@attrs.frozen
class Owned:
    """A record and its device. None: the file does not say."""

    device_id: uuid.UUID | None
    record: ObservationRecord


def write(file: Path, device_id: uuid.UUID, record: ObservationRecord) -> None:
    """Put a record into a file, beside the id of its device; earlier versions of the agent pass over that."""
    atomic_file.write(file, json.dumps({"device_id": str(device_id), **json.loads(to_json(record))}))


def read(file: Path) -> Owned:
    """Read what `write` wrote, in this version or an earlier one.

    Raises:
        atomic_file.Corrupt, ValueError: its content is damaged.
        OSError: it cannot be read.
    """
    text = atomic_file.read(file)
    record, device_id = from_json(text, ObservationRecord), json.loads(text).get("device_id")
    return Owned(None if device_id is None else uuid.UUID(str(device_id)), record)


def name(number: int) -> str:
    return f"{number:010}{_SUFFIX}"


def files_in(directory: Path) -> list[Path]:
    """List the records in a directory, oldest first.

    Raises:
        PermissionError: this user may not look into it.
    """
    try:
        return sorted(file for file in directory.iterdir() if file.suffix == _SUFFIX)  # glob keeps silent about errors
    except (FileNotFoundError, NotADirectoryError):
        return []


def put_aside(file: Path, *, into: str, whose: str = "") -> None:
    """Move a file out of the way, and remove the oldest there if there are too many."""
    aside = file.parent / into
    with suppress(OSError):
        atomic_file.new_directory(aside)
        file.replace(aside / f"{whose}{file.name}")
        for old in sorted(aside.iterdir(), key=lambda one: one.stat().st_mtime)[: -MAX_FILES[into]]:
            old.unlink()


def put_aside_of_another(file: Path, device_id: uuid.UUID | None) -> None:
    put_aside(file, into=OTHERS, whose=f"{device_id or _UNKNOWN}-")


def bring_back(directory: Path, device_id: uuid.UUID) -> list[Path]:
    """Move what was put aside of this device to where it was: it has its id again."""
    back: list[Path] = []
    for file in files_in(directory / OTHERS):
        before = directory / file.name.removeprefix(f"{device_id}-")
        if before.name != file.name and not before.exists():
            back.append(file.replace(before))
    return back


def look_into(directory: Path) -> list[Owned]:
    """Read the records of a spool that an agent may be using, as far as they can be read, and change nothing.

    Raises:
        PermissionError: this user may not look into it.
    """
    found: list[Owned] = []
    for file in files_in(directory):
        with suppress(OSError, atomic_file.Corrupt, ValueError):
            found.append(read(file))
    return found


def purge(directory: Path) -> int:
    """Throw away all records of a spool, those of other devices too, and say how many are gone."""
    count = 0
    for file in [*files_in(directory), *files_in(directory / OTHERS)]:
        with suppress(OSError):
            file.unlink()
            count += 1
    return count
