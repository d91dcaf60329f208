"""What is asked when the configuration names no source, in which order, and why in this one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from firmtrail_agent.sources.builtin.bootc import Bootc
from firmtrail_agent.sources.builtin.device_tree import DeviceTree
from firmtrail_agent.sources.builtin.dmi import Dmi
from firmtrail_agent.sources.builtin.drop_directory import DropDirectory
from firmtrail_agent.sources.builtin.kernel import Kernel
from firmtrail_agent.sources.builtin.mender import Mender
from firmtrail_agent.sources.builtin.os_release import OsRelease
from firmtrail_agent.sources.builtin.ostree import Ostree
from firmtrail_agent.sources.builtin.rauc import Rauc
from firmtrail_agent.sources.builtin.rpm_ostree import RpmOstree
from firmtrail_agent.sources.builtin.swupdate import Swupdate
from firmtrail_agent.sources.engine.naming import hidden_in
from firmtrail_agent.sources.engine.reading import Reading, read_source
from firmtrail_agent.sources.engine.source import Source

MAIN = "main"

#: From what was set up for this device on purpose to what every system has. The first that the device has speaks of
#: `main`, also when it fails: the version of a less specific one is another version, and would be taken for an update.
FOR_MAIN: Sequence[Source] = (
    DropDirectory(),
    RpmOstree(),  # before bootc, which wants to be root, and is there beside it
    Bootc(),
    Ostree(),
    Rauc(),
    Mender(),
    Swupdate(sole_component=MAIN),
    OsRelease(),
)
#: these have components of their own
BESIDE: Sequence[Source] = (Kernel(), Dmi(), DeviceTree())


def read_auto(root: Path) -> list[Reading]:
    """Ask about `main` until one source has spoken of it, then about what has components of its own."""
    speakers: dict[str, str] = {}
    readings = [reading for source in FOR_MAIN for reading in _ask(source, MAIN, speakers, root)]
    if MAIN not in speakers and not any(reading.version and reading.source == Swupdate.type for reading in readings):
        readings[-1] = attrs.evolve(readings[-1], error=readings[-1].detail, detail="")  # nobody else is left to ask
    return readings + [reading for source in BESIDE for reading in _ask(source, source.component, speakers, root)]


def _ask(source: Source, about: str, speakers: dict[str, str], root: Path) -> list[Reading]:
    """Ask a source unless another has spoken of what it is to be asked about, and note of what it has spoken."""
    if speaker := speakers.get(about):
        detail = f"not asked, since {speaker} speaks of {about}"
        return [Reading(component=source.component, source=source.type, detail=detail)]
    readings = read_source(source, root, required=False)
    for reading in readings:
        if not reading.is_absent:
            speakers.setdefault(reading.component, source.type)
        if reading.error and reading.component == source.component:  # it has failed as a whole
            speakers.setdefault(about, source.type)
    if about not in speakers and (failed := [reading for reading in readings if reading.may_hide_others]):
        speakers[about] = source.type
        error = hidden_in(reading.error for reading in failed)
        readings.append(Reading(component=about, source=source.type, error=error))
    return readings
