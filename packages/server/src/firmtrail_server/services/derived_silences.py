"""Comparing the table of silences with what it is derived from, and repairing what no sweep would."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from firmtrail_server.db import Connection, Database, Transaction
from firmtrail_server.db.keyset import HIGHEST_ID
from firmtrail_server.queries import silences
from firmtrail_server.queries.device_versions import Difference
from firmtrail_server.queries.silences import KeyRange
from firmtrail_server.services.derived_tables import Comparison
from firmtrail_server.services.silence import sweep_stretch

#: a statement's worth: some 30 ms of the database
_DEVICES_AT_ONCE = 10_000
#: a sweep comes every minute, and servers' clocks differ
_LAG: Final = dt.timedelta(minutes=2)


async def compare(database: Database, now: dt.datetime, *, repair: bool) -> Comparison:
    """Compare the silences that last with all devices, and look for those of no device; see `derived_tables`.

    What differs for less than two minutes is a sweep's to find. A repair tells the feed what it withdraws.
    """
    found = Comparison("device_silences")
    after: uuid.UUID | None = uuid.UUID(int=0)
    while after is not None:
        devices = await database.run(Transaction.READ, silences.find_stretch, after, _DEVICES_AT_ONCE)
        stretch = devices or KeyRange(after, HIGHEST_ID)  # silences of no device lie behind the last one too
        rows = await database.run(Transaction.READ, silences.compare, stretch, now - _LAG, now + _LAG)
        differences = {Difference(difference): count for difference, count in rows if difference is not None}
        found.compared += sum(count for _, count in rows)
        found.differences.update(differences)
        if differences and repair:
            found.repaired += await database.run(Transaction.INGEST, _repair, stretch, now)
        after = devices.last if devices else None
    return found


async def _repair(conn: Connection, stretch: KeyRange, now: dt.datetime) -> int:
    return await silences.withdraw_wrong(conn, stretch, now) + await sweep_stretch(conn, stretch, now)
