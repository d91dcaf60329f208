"""What the stand-in knows of a device: the version periods of its components, and whether it is silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import attrs

from firmtrail_contract import Device, RunningVersion, VersionPeriod, parse_label_filter
from firmtrail_contract.version_periods import Period

_HOUR = dt.timedelta(hours=1)
_LEAST_SECONDS, _UNKNOWN_CADENCE = 900.0, 3600.0


@attrs.define(kw_only=True)
class Component:
    """A component of a device."""

    #: oldest first
    periods: list[Period] = attrs.field(factory=list[Period])
    #: the server's moment of its last report
    heard_at: dt.datetime | None = None
    #: seconds between its reports: their mean, weighted by time
    cadence: float | None = None
    #: what its device announces
    interval_seconds: int | None = None

    def hear(self, received_at: dt.datetime, interval_seconds: int | None) -> None:
        """Note that a report came."""
        self.interval_seconds = interval_seconds
        if self.heard_at is not None:
            self._pace((received_at - self.heard_at).total_seconds())
        self.heard_at = max(received_at, self.heard_at or received_at)

    def _pace(self, gap: float) -> None:
        if gap <= 0:
            return
        if self.cadence is None:
            self.cadence = gap
            return
        gap = min(gap, 4 * self.cadence)
        self.cadence += (gap - self.cadence) * gap / (gap + 8 * self.cadence + 1)

    def is_fresh(self, now: dt.datetime) -> bool:
        assert self.heard_at is not None
        seconds = max(3 * (self.cadence_seconds or _UNKNOWN_CADENCE), _LEAST_SECONDS)
        return self.heard_at >= now - dt.timedelta(seconds=seconds)

    @property
    def cadence_seconds(self) -> float | None:
        known = [seconds for seconds in (self.cadence, self.interval_seconds) if seconds is not None]
        return max(known, default=None)

    def in_force(self, at: dt.datetime | None) -> Period | None:
        """Find the period of a moment; None: what was reported last."""
        if at is None:
            return self.periods[-1]
        for period in reversed(self.periods):
            if period.first_reported_at <= at and (period.superseded_at is None or at < period.superseded_at):
                return period
        return None


@attrs.frozen(kw_only=True)
class Silence:
    """One that has ended."""

    since: dt.datetime
    ended_at: dt.datetime


@attrs.define(kw_only=True)
class KnownDevice:
    """A device with its history."""

    #: without the moment of its last report
    stored: Device
    components: dict[str, Component] = attrs.field(factory=dict[str, Component])
    silences: list[Silence] = attrs.field(factory=list[Silence])

    @property
    def device(self) -> Device:
        return attrs.evolve(self.stored, last_reported_at=self.last_reported_at)

    @property
    def last_reported_at(self) -> dt.datetime | None:
        return max((one.periods[-1].last_reported_at for one in self.components.values()), default=None)

    def hear(self, component: str, received_at: dt.datetime, interval_seconds: int | None) -> Component:
        """Note that a report of a component came; give the component."""
        since = self.silent_since(received_at)
        if since is not None:
            self.silences.append(Silence(since=since, ended_at=received_at))
        heard = self.components.setdefault(component, Component())
        heard.hear(received_at, interval_seconds)
        return heard

    def silent_since(self, now: dt.datetime) -> dt.datetime | None:
        """Say since when it has been silent; None: it is not."""
        if self.stored.retired_at is not None or self.stored.created_at >= now - _HOUR:
            return None
        if any(one.is_fresh(now) for one in self.components.values()):
            return None
        heard = [one.heard_at for one in self.components.values() if one.heard_at is not None]
        return max(heard, default=self.stored.created_at)

    def running(self, at: dt.datetime | None, component: str | None = None) -> Iterator[tuple[str, Period]]:
        """Give what its components run, or ran at a moment, by component."""
        for name in sorted(self.components):
            period = self.components[name].in_force(at) if component in {None, name} else None
            if period is not None:
                yield name, period

    def has_labels(self, asked: str | None) -> bool:
        """Say whether it has labels such as `site=berlin,rack`."""
        wanted, keys = parse_label_filter(asked) if asked else ({}, [])
        labels = self.stored.labels
        return all(labels.get(key) == value for key, value in wanted.items()) and all(key in labels for key in keys)


def shown(component: str, period: Period) -> VersionPeriod:
    """Say what a period is to those who read it."""
    return VersionPeriod(
        id=period.period_id,
        component=component,
        version=period.version,
        first_reported_at=period.first_reported_at,
        last_reported_at=period.last_reported_at,
        report_count=period.report_count,
        superseded_at=period.superseded_at,
        recorded_at=period.recorded_at,
    )


def running(component: str, period: Period) -> RunningVersion:
    """Say what a component runs to those who list devices."""
    return RunningVersion(component=component, version=period.version, since=period.first_reported_at)
