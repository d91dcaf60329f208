"""Where the moments of a device's periods come from, as far as it can be told from what is kept. No I/O.

No period keeps it: each report would have to write it. The boots of a device are kept, and each says by which clock its
moments were worked out.
"""

from __future__ import annotations

import datetime as dt
import uuid
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from firmtrail_contract import ObservedAtSource, VersionPeriod
from firmtrail_server.history.boots import Stretch

_RESOLUTION = dt.timedelta(microseconds=1)


class BootStart(NamedTuple):
    """When a boot began, by which clock, and the early parts of it that have another start."""

    started_at: dt.datetime
    source: ObservedAtSource
    stretches: Sequence[Stretch]


class StoredPeriod(NamedTuple):
    """A version period as it is stored. It lives until `told` makes a model of it."""

    id: uuid.UUID
    component: str
    version: str
    first_reported_at: dt.datetime
    last_reported_at: dt.datetime
    report_count: int
    superseded_at: dt.datetime | None
    recorded_at: dt.datetime
    #: orders those that begin at the same moment
    tie_rank: int = 0


class MomentSources:
    """Tells where moments come from, given the boots of a device, oldest first."""

    def __init__(self, boots: Sequence[BootStart]) -> None:
        begun = [one for boot in boots for one in _begun(boot)]
        self._began = [at for at, _ in begun]
        self._sources = [source for _, source in begun]

    def told(self, period: StoredPeriod) -> VersionPeriod:
        """Say of a period where its first and its last moment come from."""
        return VersionPeriod(
            id=period.id,
            component=period.component,
            version=period.version,
            first_reported_at=period.first_reported_at,
            last_reported_at=period.last_reported_at,
            report_count=period.report_count,
            superseded_at=period.superseded_at,
            recorded_at=period.recorded_at,
            first_reported_at_source=self._of_first(period),
            last_reported_at_source=self._of_last(period),
        )

    def _of_first(self, period: StoredPeriod) -> ObservedAtSource | None:
        at = period.first_reported_at
        if at == period.recorded_at:  # to the microsecond, as no clock but the server's would have it
            return ObservedAtSource.SERVER
        if source := self._of_boot(at):
            return source
        # ahead of the server's clock is a device's, or that of another replica
        return ObservedAtSource.DEVICE if at < period.recorded_at else None

    def _of_last(self, period: StoredPeriod) -> ObservedAtSource | None:
        at = period.last_reported_at
        return self._of_first(period) if at == period.first_reported_at else self._of_boot(at)

    def _of_boot(self, at: dt.datetime) -> ObservedAtSource | None:
        boot = bisect_right(self._began, at)
        return self._sources[boot - 1] if boot else None


def _begun(boot: BootStart) -> Iterator[tuple[dt.datetime, ObservedAtSource]]:
    began = boot.stretches[0].started_at if boot.stretches else boot.started_at
    for one in boot.stretches:
        yield began, one.source
        began = one.until + _RESOLUTION
    yield began, boot.source
