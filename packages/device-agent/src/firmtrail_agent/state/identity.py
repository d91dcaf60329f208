"""Who this device is by enrollment: the id that the server gave it, and its own API key. `enroll` writes the file."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path

import attrs

from firmtrail_agent.system import atomic_file

_DIRECTORY, _FILE = "identity", "identity.json"
#: no identity takes more
_ROOM_BYTES = 4096
_OTHERS = 0o077


class IdentityDamaged(Exception):
    """The file cannot be used. The message says what to do; it never holds the key."""


@attrs.frozen(kw_only=True)
class Identity:
    """Written whole, so that a power cut leaves one that works."""

    device_id: uuid.UUID
    #: "<key id>:<secret>"
    api_key: str = attrs.field(repr=False)
    #: what it had before, until the server has heard that the device has the new one
    previous_api_key: str | None = attrs.field(default=None, repr=False)
    #: by the server's clock; None: an earlier version of the agent has not kept it
    issued_at: dt.datetime | None = None


def file_in(state: Path) -> Path:
    """Name the file below the state directory, in a directory of its own: it has another writer than the rest."""
    return state / _DIRECTORY / _FILE


def read(file: Path) -> Identity | None:
    """Read who this device is; None: it has not been enrolled.

    Raises:
        IdentityDamaged: it has, and its file is damaged, cannot be read, or is open to others.
    """
    mine = _read(file)
    if mine is not None and file.stat().st_mode & _OTHERS:
        raise IdentityDamaged(f"Others may read or change {file}, which holds a secret. Run: chmod 600 {file}")
    return mine


def read_id(file: Path) -> uuid.UUID | None:
    """Read which device this is, and leave it to who uses its key to see whether that is safe.

    Raises:
        IdentityDamaged: the file is damaged or cannot be read.
    """
    mine = _read(file)
    return None if mine is None else mine.device_id


def make_room(file: Path) -> None:
    """See that `write` will find room on the disk, or raise an OSError."""
    atomic_file.make_directory(file.parent)
    atomic_file.make_room(file.parent, _ROOM_BYTES)


def give_up_room(file: Path) -> None:
    """Leave the room that nothing was written into."""
    atomic_file.sweep(file.parent)


def write(file: Path, identity: Identity) -> None:
    """Store who this device is, for the owner of the state directory: under systemd that is a user of its own."""
    atomic_file.new_directory(file.parent)
    atomic_file.write(file, json.dumps(attrs.asdict(identity), default=str))


def _read(file: Path) -> Identity | None:
    try:
        said = json.loads(atomic_file.read(file))
        return Identity(
            device_id=uuid.UUID(said["device_id"]),
            api_key=str(said["api_key"]),
            previous_api_key=said["previous_api_key"],
            issued_at=dt.datetime.fromisoformat(said["issued_at"]) if said.get("issued_at") else None,
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise IdentityDamaged(f"{file} may be read by root and its owner alone: run this as root.") from None
    except OSError as error:
        raise IdentityDamaged(f"{file} cannot be read: {error.strerror}.") from None
    except (atomic_file.Corrupt, ValueError, KeyError, TypeError):
        raise IdentityDamaged(f"{file} is damaged: run firmtrail-agent enroll --again.") from None
