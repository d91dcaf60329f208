"""Waiting for a socket of libpq's, which the event loop watches for as long as its connection lives.

uvloop tells of a socket's error once, as after a reset, and watches it no longer. What had arrived before is read then,
and nobody would ever hear of the error: so whoever waits looks at the socket now and then as well.
"""

from __future__ import annotations

import asyncio

from firmtrail_server.db.failures import is_silent

_LOOK_SECONDS = 0.5


class SocketWatch:
    """Wakes who waits for a socket. Not for two tasks at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._is_watched = False
        self._awaited: asyncio.Future[None] | None = None
        self._looking: asyncio.TimerHandle | None = None

    async def readable(self) -> None:
        """Wait until there may be something to read; an error counts as such."""
        if not self._is_watched:
            self._is_watched = True
            self._loop.add_reader(self._descriptor, self._wake)
        if self._looking is None:
            self._looking = self._loop.call_later(_LOOK_SECONDS, self._look)
        self._awaited = self._loop.create_future()
        await self._awaited

    async def writable(self) -> None:
        """Wait until the socket takes more, or there may be something to read."""
        self._loop.add_writer(self._descriptor, self._wake)
        try:
            await self.readable()
        finally:
            self._loop.remove_writer(self._descriptor)

    def fail(self, error: Exception) -> None:
        """Raise an error in who waits."""
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_exception(error)

    def end(self) -> None:
        """Watch the socket no longer: once it is closed, its number may be that of another one."""
        if self._is_watched:
            self._is_watched = False
            self._loop.remove_reader(self._descriptor)

    def _wake(self) -> None:
        if self._awaited is None or self._awaited.done():
            self.end()  # it is the end of the connection, which is noticed when it is next used
        else:
            self._awaited.set_result(None)

    def _look(self) -> None:
        self._looking = None
        if self._awaited is None or self._awaited.done():
            return
        if is_silent(self._descriptor):
            self._looking = self._loop.call_later(_LOOK_SECONDS, self._look)
        else:
            self.end()  # the loop may watch it no longer
            self._awaited.set_result(None)
