"""What `client.devices` and its like have in common."""

from __future__ import annotations

from firmtrail._sync.sender import Sender


class Resource:
    """Calls about one noun, sent by one client."""

    def __init__(self, transport: Sender) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport.url}>"
