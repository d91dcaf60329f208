"""How many devices a stretch of a resumable export has: few at first, then as many as have about so many rows, pure.

A stretch's rows lie all over the table, in the order in which periods closed: of 1,000 devices of 100,000 nearly each
row is on a page of its own, of 4,000 two are on one. So rows in long stretches cost PostgreSQL half as much.
"""

from __future__ import annotations

from typing import Final

FIRST_DEVICES: Final = 1_000
#: of the next one at most, so that the history of a few devices says little about many
GROWTH: Final = 2
#: about a second of PostgreSQL's time
ROWS: Final = 250_000
#: however short their histories are: before each stretch the caller is authorised
MOST_DEVICES: Final = 10_000


def devices_of_next(devices: int, rows: int, most: int = MOST_DEVICES) -> int:
    """Give the number of devices of the stretch that follows one of so many devices and rows."""
    return max(1, min(devices * ROWS // max(1, rows), devices * GROWTH, most))
