"""The releases of a component over two years, and how each was rolled out: when which part of the fleet got it.

Moments are whole seconds since 1970.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

HOUR = 3600
DAY = 24 * HOUR
#: when the generated history ends; fixed, so that every run asks the same questions of the same fleet
END = 1_793_491_200  # 2026-11-01
BEGIN = END - 730 * DAY


@dataclass(frozen=True)
class Component:
    """A component of every device, and what becomes of its releases."""

    name: str
    versions: int
    #: of the releases: how many reach all devices, half of them, a tenth; the rest are rolled back
    reach_all: float
    reach_half: float
    reach_tenth: float


COMPONENTS = (
    Component("app", 88, reach_all=0.13, reach_half=0.19, reach_tenth=0.58),
    Component("modem", 68, reach_all=0.10, reach_half=0.12, reach_tenth=0.69),
    Component("bootloader", 60, reach_all=0.11, reach_half=0.13, reach_tenth=0.67),
)


@dataclass(frozen=True)
class Ring:
    """A part of the fleet that is updated together: canaries first."""

    name: str
    #: devices whose rank lies below belong to this ring or to one before it
    below: float
    #: from the release until the first device of the ring gets it, and until the last one does, in seconds
    starts: int
    ends: int


CANARY, TENTH, HALF, ALL = RINGS = (
    Ring("canary", 0.01, starts=0, ends=6 * HOUR),
    Ring("10 %", 0.10, starts=2 * DAY, ends=4 * DAY),
    Ring("50 %", 0.50, starts=5 * DAY, ends=9 * DAY),
    Ring("all", 1.00, starts=11 * DAY, ends=25 * DAY),
)


@dataclass(frozen=True)
class Release:
    """A version, and how far its rollout went."""

    number: int
    at: int
    reached: Ring
    #: when its devices were told to go back to the version before; None: never
    rolled_back_at: int | None = None


def ring_of(rank: float) -> Ring:
    """Find the ring of a device; its rank, from 0 to 1, is drawn once for its life."""
    return next(ring for ring in RINGS if rank < ring.below)


def version_name(number: int) -> str:
    """Name a version of any component: eight patch releases make a minor one, and forty a major one."""
    return f"{1 + number // 40}.{number // 8 % 5}.{number % 8}"


def moment_of(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def releases_of(component: Component, seed: int) -> list[Release]:
    """Draw a component's releases, oldest first. The first is what devices were made with."""
    random = Random(f"{seed} {component.name}")  # noqa: S311  it shall be foreseeable
    step = (END - BEGIN) / component.versions
    moments = sorted(
        BEGIN + int(step * (number + random.uniform(-0.4, 0.4))) for number in range(1, component.versions)
    )
    first = Release(0, BEGIN - 400 * DAY, ALL)
    later = (_release(component, number, at, random) for number, at in enumerate(moments, 1))
    return [first, *later]


def received_by(ring: Ring, releases: list[Release]) -> list[Release]:
    """Choose the releases whose rollout got as far as a ring."""
    return [release for release in releases if ring.below <= release.reached.below]


def _release(component: Component, number: int, at: int, random: Random) -> Release:
    share = random.random()
    for ring, part in ((ALL, component.reach_all), (HALF, component.reach_half), (TENTH, component.reach_tenth)):
        if share < part:
            return Release(number, at, ring)
        share -= part
    reached = random.choice((CANARY, TENTH, HALF))
    return Release(number, at, reached, rolled_back_at=at + reached.ends + random.randint(2 * HOUR, 2 * DAY))
