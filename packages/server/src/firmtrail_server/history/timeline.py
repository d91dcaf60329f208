"""What is to be placed into a history: who reports it, and when it was observed. No I/O.

How reports become version periods is in the contract (version_periods.py).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from firmtrail_contract import ObservedAtSource, ObservedMoment
from firmtrail_contract.version_periods import MAX_LATENESS


class Sender(NamedTuple):
    """The key that a device reports with. It is looked up by the statement that stores the report."""

    api_key_id: uuid.UUID
    device_id: uuid.UUID
    #: what the stored digest of its secret must be; None: it is proved already
    digest: bytes | None


class Record(NamedTuple):
    """What a device observed from one moment to another, nothing else in between. It is stored whole or not at all."""

    first: ObservedMoment
    last: ObservedMoment
    #: component and version, or `GONE`; no component twice
    versions: Sequence[tuple[str, str]]
    #: it is so old that it is believed only if the device has been reporting for as long
    is_doubtful: bool = False
    #: how often its device reports, as it announces; None: it does not
    interval_seconds: int | None = None


def is_doubtful(at: ObservedMoment, received_at: dt.datetime) -> bool:
    """Say whether a moment is so old that what the device has said before decides whether it is believed."""
    return at.at < received_at - MAX_LATENESS


def judged(record: Record, live_since: dt.datetime, received_at: dt.datetime) -> Record:
    """Take the server's moment for a record that is years older than anything its device has said.

    `live_since` is the first moment of the device that was not old when the server learned of it. What an importer told
    of the past, or a clock before it was set, is no reason to believe another moment of that time.
    """
    if not record.is_doubtful or record.first.at >= live_since - MAX_LATENESS:
        return record
    now = ObservedMoment(at=received_at, source=ObservedAtSource.SERVER)
    return Record(now, now, record.versions, interval_seconds=record.interval_seconds)
