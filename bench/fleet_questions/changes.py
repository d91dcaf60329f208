"""What a device makes of the rollouts that reach it: when it began to run which version of a component."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import NamedTuple

from bench.fleet_questions.rollouts import DAY, HOUR, Release, Ring

#: how long it takes until all devices have followed a rollback, in seconds
_ROLLBACK = 12 * HOUR
#: of the changes of a device that flaps
_FLAPS = 0.25


class Change(NamedTuple):
    """From this moment on a device runs a version."""

    at: int
    version: int


class Order(NamedTuple):
    """A device is told to install a release, or to go back from it."""

    at: int
    version: int
    back: bool


def orders_for(releases: list[Release], ring: Ring, random: Random) -> list[Order]:
    """Draw when one device of a ring is told what, in order of time."""
    return sorted(_orders(releases, ring, random))


def installed(orders: list[Order], created_at: int, heard_at: int) -> list[Change]:
    """Follow the orders from a device's first report to its last: it begins with what was newest when it was made.

    An older release that arrives late is not installed, and whoever runs something else than it is told to leave stays.
    """
    versions = [max((order.version for order in orders if order.at <= created_at and not order.back), default=0)]
    changes = [Change(created_at + 60, versions[0])]
    for order in orders:
        if not created_at + HOUR < order.at <= heard_at:
            continue
        if order.back and order.version == versions[-1] and len(versions) > 1:
            versions.pop()
        elif not order.back and order.version > versions[-1]:
            versions.append(order.version)
        else:
            continue
        changes.append(Change(order.at, versions[-1]))
    return changes


def with_flapping(changes: list[Change], until: int, random: Random) -> list[Change]:
    """Let a device change to and fro between a version and the one before, for some days after some of its changes."""
    more = changes[:1]
    ends = [*(change.at for change in changes[2:]), until]
    for before, change, end in zip(changes, changes[1:], ends, strict=False):
        more.append(change)
        if random.random() < _FLAPS:
            more += _flaps(change, before.version, end, random)
    return [next(same) for _, same in groupby(more, attrgetter("version"))]


def _orders(releases: list[Release], ring: Ring, random: Random) -> Iterator[Order]:
    span = ring.ends - ring.starts
    for release in releases:
        yield Order(release.at + ring.starts + int(span * random.random()), release.number, back=False)
        if release.rolled_back_at is not None:
            yield Order(release.rolled_back_at + int(_ROLLBACK * random.random()), release.number, back=True)


def _flaps(change: Change, before: int, end: int, random: Random) -> Iterator[Change]:
    """Several times a day, for one to ten days; it ends with the version that it began with, if there is time."""
    stop = min(end, change.at + random.randint(DAY, 10 * DAY))
    at, version = change.at, change.version
    while (at := at + random.randint(HOUR, 8 * HOUR)) < stop:
        version = before if version == change.version else change.version
        yield Change(at, version)
    if version != change.version and at < end:
        yield Change(at, change.version)
