"""What the driver raises, sorted by what it means for a transaction; and how long to wait before the next attempt."""

from __future__ import annotations

import random
import select
from collections.abc import Iterator

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout


class Collided(Exception):
    """Another transaction has changed meanwhile what this one decided on."""


#: Another transaction was in the way. A key that another one has just written is met before the collision is seen
#: (PostgreSQL, section 13.5). No statement counts on it: what may be there already is asked for with `on conflict`.
COLLISIONS = (
    Collided,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.UniqueViolation,
)
#: read-only: what managed databases become when their disk is full, and a primary that has become a replica
NOT_STORED = (psycopg.errors.DiskFull, psycopg.errors.ReadOnlySqlTransaction)
BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed, TimeoutError)
#: more than any transaction should take, the connection included; the database's own limit comes first
LONGEST_SECONDS = 20

#: a second and a half in all, as a rule: a late report is several statements, and any batch of another server hits it
_ATTEMPTS, _LONGEST_PAUSE_SECONDS = 16, 0.25


def pauses() -> Iterator[float]:
    """Give, for each attempt of a transaction, the seconds to wait after it when it collided."""
    for attempt in range(_ATTEMPTS):
        yield random.uniform(0, min(0.005 * 2**attempt, _LONGEST_PAUSE_SECONDS))  # noqa: S311  spreads, hides nothing


def is_silent(descriptor: int) -> bool:
    """Say whether nothing has come from the database on an idle connection: what comes then is its end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(0)
