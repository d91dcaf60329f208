"""The fleet of the demo: 80 devices, and what each ran within a year. No I/O; the same at every start.

A moment is how many days ago it was, so that the fleet is always of today.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

_YEAR = 365.0
#: a device reports once a day
_DAY = 1.0
#: devices of each site, and the share of them that was installed within the year
SITES = {"berlin": 32, "hamburg": 24, "oslo": 16, "lyon": 8}
_LATER = 0.4
#: a technician's visits, on which devices are installed
_VISITS = (320.0, 270.0, 215.0, 160.0, 95.0, 40.0)
#: how many days ago some devices were heard of last
_SILENT = {"berlin-07": 41.2, "hamburg-19": 21.6, "oslo-03": 9.1, "oslo-11": 3.4}
_NEVER_REPORTED = {"lyon-07": 12.0, "lyon-08": 12.0}
_CAME_BACK = {"hamburg-05": (60.0, 44.0)}
_FLAPPING = "berlin-22"
#: these take no update any more: which release was their last
_STUCK = {"berlin-31": "1.4.1", "hamburg-08": "1.4.1", "hamburg-17": "1.3.0", "lyon-02": "1.4.1", "oslo-14": "1.3.0"}


@dataclass(frozen=True)
class Release:
    """A version, and when it came to which share of the devices."""

    component: str
    version: str
    #: its first day, in days ago
    ago: float
    #: up to which share of the devices, and how many days after the first day
    waves: tuple[tuple[float, float], ...] = ((0.05, 0.0), (0.35, 4.0), (1.0, 11.0))
    #: after how many days it was taken back; None: never
    withdrawn_after: float | None = None


RELEASES = (
    Release("main", "1.2.0", _YEAR),
    Release("main", "1.3.0", 290),
    Release("main", "1.4.0", 200),
    Release("main", "1.4.1", 140),
    Release("main", "1.5.0", 75, ((0.05, 0.0), (0.3, 3.0)), withdrawn_after=6),
    Release("main", "1.5.1", 55),
    Release("main", "1.6.0", 16, ((0.05, 0.0), (0.3, 4.0), (0.62, 10.0))),
    Release("modem", "2.0.4", _YEAR),
    Release("modem", "2.1.0", 180),
    Release("modem", "2.2.0", 62),
    Release("sensor", "0.9.3", _YEAR),
    Release("sensor", "1.0.0", 110),
)
#: what the component `main` should run, and since how many days ago
DESIRED_VERSION, DESIRED_SINCE = "1.6.0", 16.0


@dataclass(frozen=True)
class Observation:
    """Versions of all components, from a first report to a last one."""

    first: float
    last: float
    versions: Mapping[str, str]


@dataclass(frozen=True)
class FleetDevice:
    """A device, its past included."""

    name: str
    labels: Mapping[str, str]
    installed: float
    #: where it stands in a rollout, 0 to 1
    place: float
    #: when it is heard of last; None: never
    last: float | None
    #: shifts its updates, so that not all come in one moment
    late: float
    #: from when until when nothing is heard of it
    quiet: tuple[float, float] | None = None
    observations: list[Observation] = field(default_factory=list[Observation])


def fleet() -> list[FleetDevice]:
    """Make the devices, those of a site one after the other."""
    chance = random.Random(7)  # noqa: S311  a made-up past
    names = [f"{site}-{number + 1:02}" for site, count in SITES.items() for number in range(count)]
    places = [(number + 0.5) / len(names) for number in range(len(names))]
    chance.shuffle(places)
    devices = [_device(name, place, chance) for name, place in zip(names, places, strict=True)]
    for device in devices:
        device.observations.extend(_observations(device))
    return devices


def _device(name: str, place: float, chance: random.Random) -> FleetDevice:
    later = chance.random() < _LATER and name not in {*_SILENT, *_STUCK, *_CAME_BACK, _FLAPPING}
    return FleetDevice(
        name=name,
        labels={"site": name.partition("-")[0], "model": chance.choice(("P100", "P100", "P200"))},
        installed=_NEVER_REPORTED.get(name, chance.choice(_VISITS) if later else _YEAR),
        place=0.1 if name == _FLAPPING else place,
        last=None if name in _NEVER_REPORTED else _SILENT.get(name, chance.uniform(0.01, 0.3)),
        late=chance.uniform(0.0, 0.8),
        quiet=_CAME_BACK.get(name),
    )


def _observations(device: FleetDevice) -> Iterator[Observation]:
    """Cut the device's time where a version changes; the last report before a change is from the day before."""
    if device.last is None:
        return
    changes = list(_changes(device))
    back = [] if device.quiet is None else [device.quiet[1]]
    moments = sorted({*back, *(ago for ago, _, _ in changes)}, reverse=True)
    versions: dict[str, str] = {}
    for begin, end in pairwise([*moments, device.last - _DAY]):
        versions = versions | {component: version for ago, component, version in changes if ago == begin}
        last = device.quiet[0] if device.quiet and end == device.quiet[1] else end + _DAY
        yield Observation(begin, min(begin, last), versions)


def _changes(device: FleetDevice) -> Iterator[tuple[float, str, str]]:
    """Say when the device began to run what."""
    for component in ("main", "modem", "sensor")[: 3 if device.labels["model"] == "P200" else 2]:
        releases = [one for one in RELEASES if one.component == component]
        yield from _installed(device, [one for one in releases if _is_offered(device, one)])
    if device.name == _FLAPPING:
        yield from ((0.9 - 0.1 * step, "main", ("1.5.1", "1.6.0")[step % 2]) for step in range(6))


def _is_offered(device: FleetDevice, release: Release) -> bool:
    """A device that is stuck takes nothing that is newer than its last release."""
    last = _STUCK.get(device.name)
    return release.component != "main" or last is None or release.version <= last


def _installed(device: FleetDevice, releases: list[Release]) -> Iterator[tuple[float, str, str]]:
    """It comes with the release of its day, and takes the later ones in their waves while it is heard of."""
    first = max((one for one in releases if one.ago - 14 >= device.installed), key=_age, default=releases[0])
    yield device.installed, first.component, first.version
    kept = first.version
    for release in releases:
        delay = next((days for share, days in release.waves if device.place < share), None)
        if delay is None or release.ago >= device.installed:
            continue
        for days, version in ((delay, release.version), (release.withdrawn_after, kept)):
            ago = None if days is None else _heard(device, release.ago - days - device.late)
            if ago is not None:
                yield ago, release.component, version
        kept = kept if release.withdrawn_after else release.version


def _age(release: Release) -> float:
    return -release.ago


def _heard(device: FleetDevice, ago: float) -> float | None:
    """The moment at which the device can report a change of that day; None: it is gone by then."""
    if device.quiet and device.quiet[0] >= ago > device.quiet[1]:
        return device.quiet[1]
    assert device.last is not None
    return ago if ago > device.last else None
