"""What a device is recognised by: the number that its maker gave it, else the one of its installation."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from firmtrail_agent.rooted import Place

#: the first that says something is taken
_PLACES = ("/proc/device-tree/serial-number", "/sys/class/dmi/id/product_uuid")
_INSTALLATION = "/etc/machine-id"
_LONGEST = 128


def fingerprint(root: Path) -> str | None:
    """Read it; None: the device has no number."""
    for place in _PLACES:
        if number := _number(Place(root, place)):
            return number
    installation = _number(Place(root, _INSTALLATION))
    # machine-id(5): the id itself is confidential
    return f"machine-{hashlib.sha256(f'firmtrail {installation}'.encode()).hexdigest()[:32]}" if installation else None


def name() -> str:
    """Name the device as its network does."""
    return socket.gethostname()


def _number(place: Place) -> str | None:
    try:
        with open(place.open(), "rb") as file:  # noqa: PTH123  a descriptor, not a path
            text = file.read(_LONGEST).rstrip(b"\0").decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # 0000..., ffff... and the like: the maker has left it out
    return text if text.isprintable() and len(set(text.replace("-", ""))) > 2 else None  # noqa: PLR2004  the same
