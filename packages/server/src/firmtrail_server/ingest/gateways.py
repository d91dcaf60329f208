"""What a gateway reports for devices: which reports may share a statement, and the rewrite of all others at once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from firmtrail_server.db import Connection
from firmtrail_server.history.timeline import Record, Sender
from firmtrail_server.ingest.rewrite import store_of_devices
from firmtrail_server.queries import reports
from firmtrail_server.queries.reports import Report, Stored


class Gateway(NamedTuple):
    """The API key of a gateway, which was found alive; the statements that store look once more."""

    project_id: uuid.UUID
    api_key_id: uuid.UUID

    def report(self, device_id: uuid.UUID, received_at: dt.datetime, record: Record) -> Report:
        return Report(Sender(self.api_key_id, device_id, None), received_at, record)


#: a device, and what it observed
Said = tuple[uuid.UUID, Record]


def are_alone(said: Sequence[Said]) -> list[bool]:
    """Of each report, whether it may be stored beside all others: it is not doubtful, and alone of its component."""
    parts = Counter((device_id, component) for device_id, record in said for component, _ in record.versions)
    return [
        not record.is_doubtful and all(parts[device_id, component] == 1 for component, _ in record.versions)
        for device_id, record in said
    ]


async def store_for_gateway(
    conn: Connection, gateway: Gateway, received_at: dt.datetime, said: Sequence[Said]
) -> list[list[Stored]]:
    """Store records of devices, one after the other, in a few statements.

    Returns:
        For each record what became of each version; nothing where the gateway may not report for the device.

    Raises:
        Unauthenticated: the key is not alive, or no gateway's.
    """
    named = {device_id for device_id, _ in said}
    known = await reports.list_devices_of_gateway(conn, *gateway, named, received_at)
    stored = iter(
        await store_of_devices(conn, gateway.project_id, received_at, [one for one in said if one[0] in known])
    )
    return [next(stored) if device_id in known else [] for device_id, _ in said]
