"""The generated fleet: every device with its life, and the periods of its components. Nothing here knows a database.

A device is drawn from the seed and its number alone, so the same fleet comes out each time, and any device by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from bench.fleet_questions.changes import installed, orders_for, with_flapping
from bench.fleet_questions.rollouts import BEGIN, COMPONENTS, DAY, END, HOUR, RINGS, Release, received_by, releases_of
from bench.fleet_questions.rollouts import ring_of as ring_of_rank

#: of the devices, in the order in which a device's luck is asked for them
NEVER_HEARD, DEAD, RETIRED, SILENT = 0.01, 0.05, 0.02, 0.02
#: of the devices: they change to and fro for some days, again and again
FLAPPING = 0.01
#: of the devices: there from the beginning; the others join over the two years
FOUNDERS = 0.85
MODELS = (("edge-1", 0.71), ("edge-2", 0.20), ("edge-3", 0.09))
SITES = 100


@dataclass(frozen=True)
class Life:
    """When a device was there; moments in seconds since 1970."""

    created_at: int
    #: the last moment at which it reported; None: it never did
    heard_at: int | None
    retired_at: int | None
    #: how often it reports, in seconds
    cadence: int
    flaps: bool


@dataclass(frozen=True, slots=True)
class Period:
    """That a component ran a version, from its first report on until it was superseded; None: it still does."""

    component: str
    version: int
    first_reported_at: int
    superseded_at: int | None


@dataclass(frozen=True)
class Device:
    """A device and its whole history."""

    id: uuid.UUID
    name: str
    labels: dict[str, str]
    life: Life
    periods: list[Period]


@dataclass(frozen=True)
class Project:
    """A project and the devices that it shall have."""

    name: str
    devices: int

    @property
    def id(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.name}.firmtrail.example")


@dataclass(frozen=True)
class Fleet:
    """A big project, and a small one beside it."""

    devices: int
    seed: int = 13

    @property
    def big(self) -> Project:
        return Project("fleet", self.devices)

    @property
    def projects(self) -> tuple[Project, Project]:
        return self.big, Project("beside", max(1, self.devices // 20))

    def devices_of(self, project: Project) -> Iterator[Device]:
        """Draw a project's devices, one after the other."""
        return (self.device(project, number) for number in range(project.devices))

    def device(self, project: Project, number: int) -> Device:
        """Draw one device."""
        random = Random(f"{self.seed} {project.name} {number}")  # noqa: S311  it shall be foreseeable
        life = _life(random)
        return Device(
            id=uuid.UUID(int=random.getrandbits(128), version=4),
            name=f"{project.name}-{random.getrandbits(32):08x}-{number:06}",
            labels={"model": _model(random), "site": f"site-{random.randrange(SITES):02}"},
            life=life,
            periods=[*self._periods(life, random)],
        )

    @cached_property
    def releases(self) -> dict[str, list[Release]]:
        """All releases by component."""
        return {component.name: releases_of(component, self.seed) for component in COMPONENTS}

    @cached_property
    def _received(self) -> dict[tuple[str, str], list[Release]]:
        return {(name, ring.name): received_by(ring, all_) for name, all_ in self.releases.items() for ring in RINGS}

    def _periods(self, life: Life, random: Random) -> Iterator[Period]:
        if life.heard_at is None:
            return
        ring = ring_of_rank(random.random())
        for component in COMPONENTS:
            orders = orders_for(self._received[component.name, ring.name], ring, random)
            changes = installed(orders, life.created_at, life.heard_at)
            if life.flaps:
                changes = with_flapping(changes, life.heard_at, random)
            ends = [change.at for change in changes[1:]]
            for change, end in zip(changes, [*ends, None], strict=True):
                yield Period(component.name, change.version, change.at, end)


def _life(random: Random) -> Life:
    created_at = (
        BEGIN - random.randint(1, 200 * DAY) if random.random() < FOUNDERS else random.randint(BEGIN, END - DAY)
    )
    cadence = random.choice((HOUR, HOUR, HOUR, 6 * HOUR, DAY))
    heard_at: int | None = END - random.randint(0, cadence)
    retired_at = None
    luck = random.random()
    if luck < NEVER_HEARD:
        heard_at = None
    elif luck < NEVER_HEARD + DEAD:
        heard_at = random.randint(created_at + DAY, END)
    elif luck < NEVER_HEARD + DEAD + RETIRED:
        retired_at = heard_at = random.randint(created_at + DAY, END)
    elif luck < NEVER_HEARD + DEAD + RETIRED + SILENT:
        heard_at = max(created_at + DAY, END - random.randint(4 * DAY, 30 * DAY))
    return Life(created_at, heard_at, retired_at, cadence, flaps=random.random() < FLAPPING)


def _model(random: Random) -> str:
    luck = random.random()
    for model, share in MODELS:
        if luck < share:
            return model
        luck -= share
    return MODELS[-1][0]
