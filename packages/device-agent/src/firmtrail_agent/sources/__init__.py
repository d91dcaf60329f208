"""Where versions come from. A new source is a module in builtin/ with one class, and a line in engine/registry.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firmtrail_agent.sources.engine.reading import Reading, read_sources
from firmtrail_agent.sources.engine.source import Found, Gone, Source, SourceAbsent, SourceFailed, Unknown

#: a plug-in imports its names from here
__all__ = ["Found", "Gone", "Reading", "Source", "SourceAbsent", "SourceFailed", "Unknown", "read_all"]


def read_all(configured: Sequence[Source] | None, root: Path) -> list[Reading]:
    """Ask the configured sources, or the automatic ones, what they find now. No two readings have one component."""
    if configured is None:
        from firmtrail_agent.sources.auto import read_auto  # noqa: PLC0415  a configured device needs few of them

        return _told_apart(read_auto(root))
    return _told_apart(read_sources(configured, root))


def _told_apart(readings: Sequence[Reading]) -> list[Reading]:
    """Put one error in the place of readings that speak of one component: nobody could say which of them is true."""
    speakers: dict[str, list[Reading]] = {}
    for reading in readings:
        if not reading.is_absent:
            speakers.setdefault(reading.component, []).append(reading)
    told: list[Reading] = []
    for reading in readings:
        if reading.is_absent:
            told.append(reading)
        elif reading is speakers[reading.component][0]:
            told.append(_the_one(speakers[reading.component]))
    return told


def _the_one(said: Sequence[Reading]) -> Reading:
    if len(said) == 1:
        return said[0]
    if not any(reading.version for reading in said):
        error = "; ".join(dict.fromkeys(f"{reading.error or reading.detail}" for reading in said))
        return Reading(component=said[0].component, source=said[0].source, error=error)
    names = " and ".join(f"{reading.source} ({reading.detail or reading.error})" for reading in said)
    error = f"{names} give a version of {said[0].component} each; give it another component in all but one"
    return Reading(component=said[0].component, source=said[0].source, error=error)
