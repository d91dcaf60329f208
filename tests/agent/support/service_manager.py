"""The ear of a service manager: a real datagram socket that takes what sd_notify sends."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path


class ServiceManager:
    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self.environment = {"NOTIFY_SOCKET": str(path)}

    async def hear(self) -> str:
        return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()

    async def hear_of(self, beginning: str) -> str:
        """Wait for a message that begins like this."""
        while not (message := await self.hear()).startswith(beginning):
            pass
        return message

    def look(self) -> str:
        """Take what has come already."""
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()
