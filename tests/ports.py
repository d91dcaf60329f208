"""Ports for programs that cannot be told to choose one."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Find a port of the loopback address that nothing listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
