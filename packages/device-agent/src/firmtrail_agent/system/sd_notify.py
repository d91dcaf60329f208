"""Telling systemd how the agent is: sd_notify(3), without a library. Nothing happens where systemd does not listen."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress


class Notifier:
    """Sends state to the socket that systemd names in the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def send(self, state: str) -> None:
        """Send `READY=1`, `STATUS=...` and the like; several go on lines of their own."""
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as sender:
            sender.sendto(state.encode(), self._address)  # a full or vanished socket is systemd's affair


def watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """How often systemd wants to hear `WATCHDOG=1`: at half of its limit; None if it does not."""
    limit, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID")
    if not limit.isdecimal() or int(limit) == 0 or pid not in {None, str(os.getpid())}:
        return None
    return int(limit) / 2_000_000
