"""What an integrator makes of the feed, and what the server's tables say at the same time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeAlias

import attrs

from firmtrail_contract import ChangeKind, FirmwareChange, FirmwareChangesQuery
from firmtrail_server.db import Database, Transaction
from firmtrail_server.queries import firmware_changes
from firmtrail_server.services.feed import Feed

Component: TypeAlias = tuple[uuid.UUID, str | None]
#: id, version, beginning and rank of each period, in their order
Told: TypeAlias = list[tuple[uuid.UUID, str | None, dt.datetime | None, int | None]]


@attrs.define
class Consumer:
    """Histories that are made of changes alone."""

    last_number: int = 0
    kinds: Counter[ChangeKind] = attrs.field(factory=Counter[ChangeKind])
    #: how many changes of each component there were
    counts: Counter[Component] = attrs.field(factory=Counter[Component])
    _periods: dict[Component, dict[uuid.UUID, FirmwareChange]] = attrs.field(
        factory=dict[Component, dict[uuid.UUID, FirmwareChange]]
    )

    def apply(self, changes: Iterable[FirmwareChange]) -> None:
        """Take changes in, none of which may be skipped, repeated or out of order."""
        for change in changes:
            assert change.number == self.last_number + 1, "skipped, repeated or out of order"
            self.last_number = change.number
            self.kinds[change.kind] += 1
            if change.kind is ChangeKind.DEVICE_REMOVED:
                self._remove(change.device_id)
            elif change.period_id is not None:
                self._keep(change, change.period_id)

    def histories(self) -> dict[Component, Told]:
        return {of: _told(periods.values()) for of, periods in self._periods.items()}

    def _keep(self, change: FirmwareChange, period_id: uuid.UUID) -> None:
        of = (change.device_id, change.component)
        self.counts[of] += 1
        assert change.change_number == self.counts[of], "changes of a component count 1, 2, 3, ..."
        known = self._periods.setdefault(of, {})
        assert (change.kind is ChangeKind.MOVED) == (period_id in known)
        known[period_id] = change

    def _remove(self, device_id: uuid.UUID) -> None:
        for of in [of for of in self.counts if of[0] == device_id]:
            del self.counts[of]
            del self._periods[of]


def _told(periods: Iterable[FirmwareChange]) -> Told:
    told = [(one.period_id, one.version, one.first_reported_at, one.tie_rank) for one in periods]
    return sorted(told, key=lambda one: one[2:])  # pyright: ignore[reportReturnType, reportArgumentType, reportUnknownLambdaType]


async def read(database: Database, project_id: uuid.UUID, after: int, limit: int = 100) -> list[FirmwareChange]:
    query = FirmwareChangesQuery(limit=limit)
    return await database.run(Transaction.READ, firmware_changes.list_changes, project_id, query, after)


async def drain(database: Database, feed: Feed, project_id: uuid.UUID, consumer: Consumer) -> None:
    """Let everything get its number, and take it in."""
    await feed.number(project_id)
    while changes := await read(database, project_id, consumer.last_number):
        consumer.apply(changes)


async def check(database: Database, consumer: Consumer) -> int:
    """Hold what a consumer has made of the feed to the tables; return how many periods there are."""
    rows = await _rows(database)
    stored: dict[Component, Told] = {}
    for device_id, component, *period, _, _ in rows:
        stored.setdefault((device_id, component), []).append(tuple(period))
    ends = [(row[:2], row[-2]) for row in rows]
    starts = [(row[:2], row[4]) for row in rows]
    for (of, end), (next_of, start) in zip(ends, [*starts[1:], (None, None)], strict=True):
        assert end == (start if next_of == of else None), "a period ends where the next one begins"
    assert consumer.histories() == stored
    assert consumer.counts == {(row[0], row[1]): row[-1] for row in rows if row[-2] is None}
    return len(rows)


async def _rows(database: Database) -> list[Any]:
    async with database.transaction() as conn:
        cur = await conn.execute(
            """
            select device_id, component, period_id, nullif(version, ''), first_reported_at, tie_rank, superseded_at,
                   null::int8 as change_number
              from device_firmware_periods
             where device_id in (select id from devices)
             union all
            select device_id, component, period_id, nullif(version, ''), first_reported_at, tie_rank, null,
                   change_number
              from device_firmware
             order by device_id, component, first_reported_at, tie_rank
            """
        )
        return await cur.fetchall()
