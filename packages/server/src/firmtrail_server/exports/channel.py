"""From a thread to the event loop: a few blocks at a time, so that neither outruns the other by more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable

#: blocks that wait
ROOM = 2
#: how long the thread waits for room before it asks whether it still should
_LOOK_SECONDS = 0.5


class Abandoned(Exception):
    """Nobody reads any more."""


class Channel:
    """Passes bytes on; the thread puts, the event loop reads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(ROOM)
        self._queue = asyncio.Queue[bytes | None]()
        self._is_abandoned = False

    def put(self, block: bytes, look: Callable[[], None]) -> None:
        """Wait for room and pass a block on; `look` may raise while it waits.

        Raises:
            Abandoned: nobody reads any more.
        """
        while not self._room.acquire(timeout=_LOOK_SECONDS):
            look()
        self.check()
        self._loop.call_soon_threadsafe(self._queue.put_nowait, block)

    def check(self) -> None:
        """Raise `Abandoned` if nobody reads any more."""
        if self._is_abandoned:
            raise Abandoned

    def close(self) -> None:
        """Say that nothing follows."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    async def read(self) -> AsyncGenerator[bytes]:
        """Give each block, up to the end."""
        while (block := await self._queue.get()) is not None:
            self._room.release()
            yield block

    def abandon(self) -> None:
        """Let the thread end."""
        self._is_abandoned = True
        self._room.release()
