"""Where versions come from: every source by its name in the configuration, and those that `auto` asks.

A new source is a module here with one class, and a line in BY_TYPE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from firmtrail_agent.sources.dmi import Dmi
from firmtrail_agent.sources.file import File
from firmtrail_agent.sources.kernel import Kernel
from firmtrail_agent.sources.os_release import OsRelease
from firmtrail_agent.sources.reading import Reading, Source, read_source

__all__ = ["AUTO", "BY_TYPE", "Reading", "Source", "read_all"]

#: each is an attrs class; its fields are the keys that a table of that type may hold in the configuration
BY_TYPE: Mapping[str, type[Source]] = {source.type: source for source in (OsRelease, Kernel, Dmi, File)}

#: in this order; one that the device does not have is passed over
AUTO: Sequence[Source] = (OsRelease(), Kernel(), Dmi())


def read_all(configured: Sequence[Source] | None, root: Path) -> list[Reading]:
    """Ask the configured sources, or the automatic ones, what they find now."""
    if configured is None:
        return [read_source(source, root, required=False) for source in AUTO]
    return [read_source(source, root, required=True) for source in configured]
