"""Keeping where records of a device are missing: rare, so it takes a transaction of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from firmtrail_contract import HistoryGap
from firmtrail_server.db import Connection
from firmtrail_server.history.timeline import Sender
from firmtrail_server.ingest.first_use import use_key
from firmtrail_server.queries import history_gaps


async def keep_gaps(conn: Connection, sender: Sender, received_at: dt.datetime, gaps: Sequence[HistoryGap]) -> None:
    """Store gaps before the records around them, after which it cannot be told any more when one began.

    Raises:
        SecretUnproved: the key is not alive, or the secret not proved by its digest.
    """
    project_id = await use_key(conn, sender, received_at)
    await history_gaps.insert(conn, project_id, sender.device_id, gaps)
