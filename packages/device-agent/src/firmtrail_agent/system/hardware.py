"""What a device is recognised by: the number that its maker gave it, else the one of its installation."""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path

from firmtrail_agent.system.rooted_path import RootedPath
from firmtrail_contract.blanks import trimmed
from firmtrail_contract.fillers import is_filler_identity

#: the first that says something is taken
_PLACES = ("/proc/device-tree/serial-number", "/sys/class/dmi/id/product_uuid")
_INSTALLATION = "/etc/machine-id"
#: machine-id(5); anything else, such as "uninitialized", is none yet
_MACHINE_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST = 128


def fingerprint(root: Path) -> str | None:
    """Read it; None: the device has no number."""
    for place in _PLACES:
        if number := _number(RootedPath(root, place)):
            return number
    installation = _number(RootedPath(root, _INSTALLATION))
    if installation is None or not _MACHINE_ID.fullmatch(installation):
        return None
    # machine-id(5): the id itself is confidential
    return f"machine-{hashlib.sha256(f'firmtrail {installation}'.encode()).hexdigest()[:32]}"


def name() -> str:
    """Name the device as its network does."""
    return socket.gethostname()


def _number(place: RootedPath) -> str | None:
    try:
        with open(place.open(), "rb") as file:  # noqa: PTH123  a descriptor, not a path
            text = trimmed(file.read(_LONGEST).decode("ascii"))
    except (OSError, UnicodeDecodeError):
        return None
    return text if text.isprintable() and not is_filler_identity(text) else None
