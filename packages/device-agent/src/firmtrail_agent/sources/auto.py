"""What is asked when the configuration names no source, in which order, and why in this one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firmtrail_agent.sources.dmi import Dmi
from firmtrail_agent.sources.drop_directory import DropDirectory
from firmtrail_agent.sources.kernel import Kernel
from firmtrail_agent.sources.os_release import OsRelease
from firmtrail_agent.sources.reading import Reading, Source, read_source

MAIN = "main"

#: From what was set up for this device on purpose to what every system has. The first that the device has decides
#: about `main`, also when it fails: the version of a less specific one is another version, and would be taken for
#: an update.
FOR_MAIN: Sequence[Source] = (DropDirectory(), OsRelease())
#: these have components of their own
BESIDE: Sequence[Source] = (Kernel(), Dmi())


def read_auto(root: Path) -> list[Reading]:
    """Ask for `main` until one source has spoken, then all that have components of their own."""
    readings: list[Reading] = []
    decided_by: str | None = None
    for source in FOR_MAIN:
        if decided_by:
            detail = f"not asked, since {decided_by} decides about {MAIN}"
            readings.append(Reading(component=source.component, source=source.type, detail=detail))
            continue
        said = read_source(source, root, required=False)
        readings += said
        if any(_decides(reading, source) for reading in said):
            decided_by = source.type
    for source in BESIDE:
        readings += read_source(source, root, required=False)
    return readings


def _decides(reading: Reading, source: Source) -> bool:
    failed_as_a_whole = reading.error is not None and reading.component == source.component
    return not reading.is_absent and (reading.component == MAIN or failed_as_a_whole)
