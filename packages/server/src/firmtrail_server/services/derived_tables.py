"""Comparing device_versions with what it is derived from, and repairing what differs, while devices report."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import attrs

from firmtrail_contract.version_periods import GONE
from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.queries import device_versions, periods
from firmtrail_server.queries.device_versions import FIRST, Difference, Key
from firmtrail_server.queries.periods import Part

#: a row, and what is wrong with it
Compared: TypeAlias = tuple[Key, Difference | None]
Walk: TypeAlias = Callable[[Connection, Key, int], Awaitable[Sequence[Compared]]]

#: a statement's worth: some 20 ms of the database
_ROWS_AT_ONCE = 2_000
#: orphans come last: a device that is deleted while the open periods are walked may leave one
_WALKS: Final = [device_versions.compare_open_periods, device_versions.compare_derived_rows]


@attrs.define
class Comparison:
    """How many rows of a table were compared, what differed, and how many rows were repaired."""

    table: str
    compared: int = 0
    differences: Counter[Difference] = attrs.field(factory=Counter[Difference])
    repaired: int = 0

    @property
    def text(self) -> str:
        differences = ", ".join(f"{self.differences[kind]} {kind}" for kind in Difference)
        return f"{self.table}: {self.compared} rows compared; {differences}; {self.repaired} repaired"


async def compare(database: Database, *, repair: bool) -> Comparison:
    """Compare all rows, a stretch of the key at a time; with `repair` make those equal that differ.

    No snapshot lasts longer than a statement, and comparing locks nothing. It can be interrupted at any moment and
    done again.
    """
    found = Comparison("device_versions")
    for walk in _WALKS:
        async for rows in _stretches(database, walk):
            differing = [(key, difference) for key, difference in rows if difference is not None]
            found.compared += len(rows)
            found.differences.update(difference for _, difference in differing)
            for key, _ in differing if repair else []:
                found.repaired += await database.run(Transaction.INGEST, _repair, key)
    return found


async def _stretches(database: Database, walk: Walk) -> AsyncGenerator[Sequence[Compared]]:
    after: Key | None = FIRST
    while after is not None:
        rows = await database.run(Transaction.READ, walk, after, _ROWS_AT_ONCE)
        yield rows
        after = rows[-1][0] if len(rows) == _ROWS_AT_ONCE else None


async def _repair(conn: Connection, key: Key) -> int:
    """Make one row what the open period says now; return how many rows that changed.

    One a transaction: a report waits no longer than that, and whoever locks several rows may wait for another who does.
    """
    part = Part(key.device_id, key.component)
    opened = await periods.lock_open_periods(conn, key.project_id, [part])
    if part in opened and opened[part].version != GONE:
        return await device_versions.store(conn, key, opened[part])
    await device_versions.lock(conn, key)
    return await device_versions.delete_orphan(conn, key)
