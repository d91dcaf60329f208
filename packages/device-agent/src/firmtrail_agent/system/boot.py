"""Which boot of the device this is. The kernel names it, the agent numbers it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from firmtrail_agent.system import atomic_file
from firmtrail_agent.system.rooted_path import RootedPath

if TYPE_CHECKING:
    from firmtrail import ClockReading

#: the systemd unit sets it to %b: its sandbox hides the kernel's own file
VARIABLE = "FIRMTRAIL_AGENT_BOOT_ID"
_FILE = "/proc/sys/kernel/random/boot_id"
_STATE = "boot.json"
#: what that means, for people
UNTOLD = "the kernel's id of this boot cannot be read, so every start of the agent counts as a boot"


@attrs.frozen(kw_only=True)
class Boot:
    """A boot, its number, and whether the agent has not run in it before."""

    boot_id: uuid.UUID
    sequence: int
    is_new: bool
    #: by the kernel; else nobody knows which boot this is, and its id stands for one start of the agent
    is_told: bool = True


def boot_time() -> float:
    """Count seconds since the boot, also while the device is suspended, whatever happens to its wall clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def read_boot_id(environment: Mapping[str, str], root: Path) -> uuid.UUID | None:
    """Read the kernel's id of this boot; None: it cannot be read."""
    with suppress(ValueError):
        return uuid.UUID(environment.get(VARIABLE, ""))
    with suppress(OSError, ValueError):
        return _told_by_kernel(RootedPath(root, _FILE))
    return None


def _told_by_kernel(place: RootedPath) -> uuid.UUID:
    with open(place.open(), encoding="ascii") as file:  # noqa: PTH123  a descriptor, not a path
        return uuid.UUID(file.read().strip())


def has_run_in(boot_id: uuid.UUID | None, state: Path) -> bool:
    """Say whether the agent has run in this boot before: then what it left is of this machine, and of no other."""
    return boot_id is not None and _read(state / _STATE)[0] == boot_id


def number_boot(
    boot_id: uuid.UUID | None, state: Path, *, observed: ClockReading | None = None, store: bool = True
) -> Boot:
    """Give this boot the number after that of the last one, unless it has its number already.

    Without an id nobody can tell whether the agent has run in this boot before, so it counts as another one: two boots
    taken for one would put observations at wrong moments, one boot taken for two only makes them less exact. Who does
    not store the number goes by that of the agent that runs.

    A number that cannot be stored is given all the same; the next boot gets it too. `observed` is the last reading that
    waits to be sent: where the file has rotted it says how far the numbers were, for a server refuses what was observed
    in a later boot than it is sent from.
    """
    known_id, sequence = _read(state / _STATE)
    if observed is not None and observed.boot_sequence > sequence:
        known_id, sequence = observed.boot_id, observed.boot_sequence
    is_told = boot_id is not None
    if known_id and (known_id == boot_id or not (is_told or store)):
        return Boot(boot_id=known_id, sequence=sequence, is_new=False, is_told=is_told)
    boot = Boot(boot_id=boot_id or uuid.uuid4(), sequence=sequence + 1, is_new=True, is_told=is_told)
    if store:
        with suppress(OSError):
            atomic_file.write(state / _STATE, json.dumps({"boot_id": str(boot.boot_id), "sequence": boot.sequence}))
    return boot


def _read(file: Path) -> tuple[uuid.UUID | None, int]:
    try:
        stored = json.loads(atomic_file.read(file))
        return uuid.UUID(stored["boot_id"]), int(stored["sequence"])
    except (OSError, atomic_file.Corrupt, ValueError, KeyError, TypeError):
        return None, 0
