"""The first use of a key that came by enrollment: from then on that enrollment cannot be repeated."""

from __future__ import annotations

import datetime as dt
import uuid

from firmtrail_server.db import Connection
from firmtrail_server.errors import SecretUnproved
from firmtrail_server.history.timeline import Sender
from firmtrail_server.queries import api_keys, reports


async def use_key(conn: Connection, sender: Sender, now: dt.datetime) -> uuid.UUID:
    """Find the project of a device's key, which counts as used when this transaction commits.

    Every first report comes here: the statement that many share stores none of a component that is new.

    Raises:
        SecretUnproved: the key is not alive, or the secret not proved by its digest.
    """
    key = await reports.get_key(conn, sender, now)
    if key.is_unused and not await api_keys.mark_used(conn, key.project_id, sender.api_key_id):
        raise SecretUnproved  # its device has just got another in its place
    return key.project_id
