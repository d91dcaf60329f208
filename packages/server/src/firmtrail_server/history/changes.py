"""What a rewritten history tells the feed: which periods are new, and which begin at another moment."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from firmtrail_contract import ChangeKind
from firmtrail_contract.version_periods import Period


class PeriodChange(NamedTuple):
    """What became of a period of a component."""

    component: str
    kind: ChangeKind
    period_id: uuid.UUID
    version: str
    #: None: nothing is known to have run before
    previous_version: str | None
    first_reported_at: dt.datetime
    tie_rank: int


def period_changes(
    component: str, before: Sequence[Period], after: Sequence[Period], opened: Period | None
) -> Iterator[PeriodChange]:
    """Compare a stretch of a history with what it has become, oldest period first.

    `opened` is the period that was open before. Where a period ends is no change: it follows from the next beginning.
    """
    known = {period.period_id: period for period in before}
    for earlier, period in pairwise([None, *after]):
        assert period is not None
        kind = _kind(known.get(period.period_id), period, opened)
        if kind is not None:
            yield PeriodChange(
                component=component,
                kind=kind,
                period_id=period.period_id,
                version=period.version,
                previous_version=earlier and earlier.version,
                first_reported_at=period.first_reported_at,
                tie_rank=period.tie_rank,
            )


def _kind(was: Period | None, period: Period, opened: Period | None) -> ChangeKind | None:
    if was is None:
        return ChangeKind.OPENED if _goes_on(period, opened) else ChangeKind.INSERTED
    has_moved = (was.first_reported_at, was.tie_rank) != (period.first_reported_at, period.tie_rank)
    return ChangeKind.MOVED if has_moved else None


def _goes_on(period: Period, opened: Period | None) -> bool:
    """Whether a new period comes after all that was known; the later half of a period that was split does not."""
    if opened is None or period.first_reported_at > opened.last_reported_at:
        return True
    return period.superseded_at is None and period.version != opened.version
