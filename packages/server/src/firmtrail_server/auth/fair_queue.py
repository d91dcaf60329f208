"""Work in threads, with a short queue before it that the networks share from which requests come.

Whoever fills it delays others by one turn each: networks take turns, and when the queue is full, who comes next takes
the last place of the network that has most.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from firmtrail_server.errors import CredentialQueueFull

T = TypeVar("T")
P = ParamSpec("P")


class FairQueue:
    """Runs so many calls at a time as there are threads."""

    def __init__(self, *, threads: int, max_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="secrets")
        self._free = threads
        self._max_waiting = max_waiting
        #: of one network, so that it takes a few turns at most to be served when only one fills the queue
        self._max_of_a_network = max(1, max_waiting // 2)
        #: who waits, by network; the first network has the next turn
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._running = 0

    @property
    def waiting(self) -> int:
        """How many calls run, or wait for it."""
        return self._running + sum(map(len, self._lines.values()))

    async def run(self, network: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` when it is this network's turn.

        Raises:
            CredentialQueueFull: too many are waiting, above all from this network.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(network)
        self._running += 1
        done = asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))
        done.add_done_callback(self._leave)  # at its end, not at that of a request that was given up
        return await asyncio.shield(done)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _wait(self, network: str) -> None:
        place = asyncio.get_running_loop().create_future()
        self._make_room(network)
        self._lines.setdefault(network, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:  # its turn had come
                self._call_next()
            raise

    def _make_room(self, network: str) -> None:
        own = len(self._lines.get(network, ()))
        if own >= self._max_of_a_network:
            raise CredentialQueueFull
        if self.waiting < self._max_waiting:
            return
        longest = max(self._lines.values(), key=len, default=deque[asyncio.Future[None]]())
        if len(longest) <= own + 1:
            raise CredentialQueueFull
        last = longest.pop()
        if not last.done():
            last.set_exception(CredentialQueueFull())

    def _leave(self, _: asyncio.Future[Any]) -> None:
        self._running -= 1
        self._call_next()

    def _call_next(self) -> None:
        while self._lines:
            network, line = next(iter(self._lines.items()))
            del self._lines[network]
            place = line.popleft()
            if line:
                self._lines[network] = line  # after all others
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
