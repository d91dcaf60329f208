"""Virtual time: coroutines that wait for moments, woken in the order of these. A month is over in a second."""

from __future__ import annotations

import heapq
from collections.abc import Coroutine, Generator, Iterable
from typing import Any

Life = Coroutine[float, None, None]


class Until:
    """Wait for a moment; one that has passed is now."""

    def __init__(self, moment: float) -> None:
        self._moment = moment

    def __await__(self) -> Generator[float, None, None]:
        yield self._moment


class Timeline:
    """The only clock there is, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def run(self, lives: Iterable[Coroutine[Any, None, None]], *, until: float) -> None:
        """Let all live until a moment; what happens at one moment happens in the order in which it was asked for."""
        waiting: list[tuple[float, int, Life]] = [(0.0, number, life) for number, life in enumerate(lives)]
        asked = len(waiting)
        while waiting and waiting[0][0] <= until:
            moment, _, life = heapq.heappop(waiting)
            self.now = max(self.now, moment)
            try:
                heapq.heappush(waiting, (max(life.send(None), self.now), asked, life))
            except StopIteration:
                continue
            asked += 1
        for _, _, life in waiting:
            life.close()
