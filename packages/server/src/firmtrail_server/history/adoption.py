"""How versions spread: arithmetic on the rows that the fleet's queries return. No I/O.

A bucket is the number of moments of a series that lie before an edge of a period, as SQL's `width_bucket` counts them.
A period is in force at the moments from the bucket of its start up to the bucket of its end, which does not belong.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from uuid import UUID

import attrs

from firmtrail_contract import VersionScheme
from firmtrail_contract.version_order import Order, compare

#: shares of the devices, in percent, that a version's milestones name; before them stands the first device
MILESTONES = (50, 90, 99)
#: so many returns to versions that a device had before, within this time, are flapping
FLAPPING_CHANGES = 4
FLAPPING_WINDOW = dt.timedelta(hours=24)


@attrs.frozen(kw_only=True)
class Curve:
    """One version over the moments of a series."""

    version: str
    #: how many devices ran it at each moment
    devices: tuple[int, ...]
    #: of the devices that ran any version at that moment, from 0 to 1; 0 where there were none
    shares: tuple[float, ...]


@attrs.frozen(kw_only=True)
class Milestones:
    """When the first device and these shares of all devices had a version; None while they have not."""

    first: dt.datetime | None
    half: dt.datetime | None
    ninety_percent: dt.datetime | None
    ninety_nine_percent: dt.datetime | None


@attrs.frozen(kw_only=True)
class Dwell:
    """How long a version stays in force."""

    #: of the periods that have ended; None when none has
    median: dt.timedelta | None
    ended: int
    #: periods still in force: how long they will be is not known, so they are no part of the median
    in_force: int


@attrs.frozen(kw_only=True)
class Change:
    """A component of a device went from one version to another."""

    device_id: UUID
    previous_version: str
    version: str
    at: dt.datetime


@attrs.frozen(kw_only=True)
class Flapping:
    """A stretch in which a device kept going back to versions that it had before."""

    first_at: dt.datetime
    last_at: dt.datetime
    #: the returns in it, at least FLAPPING_CHANGES
    changes: int


def curves(rows: Iterable[tuple[str, int, int]], moment_count: int) -> list[Curve]:
    """Turn rows of (version, bucket, change of the number of devices) into a curve for each version, by their text.

    A row of a bucket after the last moment counts nowhere; several rows of one bucket add up.
    """
    changes: defaultdict[str, list[int]] = defaultdict(lambda: [0] * moment_count)
    for version, bucket, change in rows:
        if bucket < moment_count:
            changes[version][bucket] += change
    devices = {version: tuple(accumulate(changes[version])) for version in sorted(changes)}
    totals = [sum(running) for running in zip(*devices.values(), strict=True)]
    return [
        Curve(version=version, devices=running, shares=_shares(running, totals)) for version, running in devices.items()
    ]


def _shares(devices: Iterable[int], totals: Iterable[int]) -> tuple[float, ...]:
    return tuple(count / total if total else 0.0 for count, total in zip(devices, totals, strict=True))


def milestones(first_starts: Sequence[dt.datetime], device_count: int) -> Milestones:
    """Say when shares of the devices had a version.

    `first_starts` holds the first start of the version on each of the devices that ever had it, in ascending order;
    `device_count` is the number of all devices that are asked about. A share is reached by whole devices: 50 % of 3
    are 2.
    """
    needed = [1, *(-(-device_count * percent // 100) for percent in MILESTONES)]
    first, half, ninety, ninety_nine = (first_starts[n - 1] if 0 < n <= len(first_starts) else None for n in needed)
    return Milestones(first=first, half=half, ninety_percent=ninety, ninety_nine_percent=ninety_nine)


def dwell(ended: Collection[dt.timedelta], in_force: int) -> Dwell:
    """Sum up a version's periods: the median length of those that ended, and the number of those that have not."""
    median = dt.timedelta(seconds=statistics.median(length.total_seconds() for length in ended)) if ended else None
    return Dwell(median=median, ended=len(ended), in_force=in_force)


def downgrades(pairs: Iterable[tuple[str, str]], scheme: VersionScheme) -> set[tuple[str, str]]:
    """Keep of pairs (previous version, version) those of which the second is lower; a pair with an outsider is none."""
    return {(previous, version) for previous, version in pairs if compare(version, previous, scheme) is Order.LOWER}


def rollbacks(changes: Iterable[Change], scheme: VersionScheme) -> list[Change]:
    """Keep the changes to a lower version, in their order."""
    return [change for change in changes if compare(change.version, change.previous_version, scheme) is Order.LOWER]


def flapping(changes: Iterable[tuple[dt.datetime, str]], versions_before: Iterable[str] = ()) -> list[Flapping]:
    """Find the stretches in which one component of a device flapped.

    `changes` are the starts of its periods as (moment, version), in ascending order; `versions_before` are the versions
    that it had before the first of them.
    """
    returns = _returns(changes, versions_before)
    stretches: list[list[int]] = []
    for place in range(len(returns) - FLAPPING_CHANGES + 1):
        last = place + FLAPPING_CHANGES - 1
        if returns[last] - returns[place] > FLAPPING_WINDOW:
            continue
        if stretches and place <= stretches[-1][1]:
            stretches[-1][1] = last
        else:
            stretches.append([place, last])
    return [Flapping(first_at=returns[a], last_at=returns[b], changes=b - a + 1) for a, b in stretches]


def _returns(changes: Iterable[tuple[dt.datetime, str]], versions_before: Iterable[str]) -> list[dt.datetime]:
    """List the moments of the changes to a version that was there before."""
    seen = set(versions_before)
    returns: list[dt.datetime] = []
    for at, version in changes:
        if version in seen:
            returns.append(at)
        seen.add(version)
    return returns
