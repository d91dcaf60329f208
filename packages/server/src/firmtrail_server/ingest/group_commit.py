"""Group commit: while one group of items is in the database, those that arrive wait together and make up the next.

A commit costs the same for one report as for hundreds, so this is what lets the server take in many; an idle one
writes at once. An item is answered after its commit, and items that share a key are taken in their order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import attrs

from firmtrail_server.db import Link
from firmtrail_server.errors import DatabaseUnavailable, ReportQueueFull
from firmtrail_server.services.background import end

MAX_GROUP = 250
#: about a second's work
MAX_WAITING = 5_000


class Item(Protocol):
    """What is taken together with others."""

    @property
    def keys(self) -> Iterable[object]:
        """What no two items of one group may have in common."""
        ...


I = TypeVar("I", bound=Item)  # noqa: E741  an item
O = TypeVar("O")  # noqa: E741  an outcome


@attrs.define(eq=False)
class _Waiting(Generic[I, O]):
    item: I
    outcome: asyncio.Future[O]

    def finish(self, outcome: O | Exception) -> None:
        if self.outcome.done():  # its request was given up
            return
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
        else:
            self.outcome.set_result(outcome)


class GroupCommit(Generic[I, O]):
    """Passes items to a statement in groups, one group at a time, through a connection of its own."""

    def __init__(
        self,
        link: Link,
        execute: Callable[[Link, Sequence[I]], Awaitable[Sequence[O]]],
        *,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._link = link
        self._execute = execute
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting[I, O]] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="group commit")

    async def close(self) -> None:
        """Stop. Items still waiting are those of requests that were given up."""
        if self._task is not None:
            await end(self._task)
        await self._link.close()

    async def submit(self, item: I) -> O:
        """Pass an item on; return after its transaction has committed.

        Raises:
            ReportQueueFull: too many are waiting.
            DatabaseUnavailable: nothing is stored.
        """
        if len(self._waiting) >= self._max_waiting:
            raise ReportQueueFull
        outcome: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, outcome))
        self._arrived.set()
        return await outcome

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._next_group()
            if not self._waiting:
                self._arrived.clear()
            if group:
                await self._store(group)

    def _next_group(self) -> list[_Waiting[I, O]]:
        """Take those that wait, but leave what shares a key with an earlier one for the next group."""
        group: list[_Waiting[I, O]] = []
        left: list[_Waiting[I, O]] = []
        taken: set[object] = set()
        while self._waiting and len(group) < MAX_GROUP:
            waiting = self._waiting.popleft()
            if waiting.outcome.done():
                continue
            keys = waiting.item.keys
            (group if taken.isdisjoint(keys) else left).append(waiting)
            taken.update(keys)
        self._waiting.extendleft(reversed(left))
        return group

    async def _store(self, group: Sequence[_Waiting[I, O]]) -> None:
        try:
            outcomes = await self._execute(self._link, [waiting.item for waiting in group])
        except DatabaseUnavailable as error:
            for waiting in group:
                waiting.finish(type(error)(error.__cause__))
        except Exception as error:  # noqa: BLE001  whatever one of them did, its neighbours are stored
            if len(group) == 1:
                group[0].finish(error)
                return
            half = len(group) // 2
            await self._store(group[:half])
            await self._store(group[half:])
        else:
            for waiting, outcome in zip(group, outcomes, strict=True):
                waiting.finish(outcome)
