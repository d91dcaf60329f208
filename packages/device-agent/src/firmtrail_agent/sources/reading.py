"""What every source is, and the one place where what it finds becomes a reading: a version, an error, or neither."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

import attrs


class SourceAbsent(Exception):
    """The device has no such place. The message names it."""


class SourceFailed(Exception):
    """The place is there and gives no version. The message says why."""


@attrs.frozen(kw_only=True)
class Found:
    """A version as its source has it, and where exactly it stood."""

    version: str
    detail: str


class Source(Protocol):
    """One place where the version of one component can be found."""

    #: its name in the configuration
    type: ClassVar[str]

    @property
    def component(self) -> str: ...

    def find(self, root: Path) -> Found:
        """Look for the version below `root`, now; nothing is remembered from earlier times.

        Raises:
            SourceAbsent: the device has no such place.
            SourceFailed: it has, and it gives no version.
        """
        ...


@attrs.frozen(kw_only=True)
class Reading:
    """What a source said when it was asked. Without `version` and `error` the device has no such source."""

    component: str
    source: str
    version: str | None = None
    error: str | None = None
    detail: str = ""

    @property
    def is_absent(self) -> bool:
        return self.version is None and self.error is None


def read_source(source: Source, root: Path, *, required: bool) -> Reading:
    """Ask a source. Where it is `required`, its absence is an error too."""
    component, name = source.component, source.type
    try:
        found = source.find(root)
    except SourceAbsent as absent:
        if not required:
            return Reading(component=component, source=name, detail=str(absent))
        return Reading(component=component, source=name, error=str(absent))
    except SourceFailed as failure:
        return Reading(component=component, source=name, error=str(failure))
    if complaint := _complaint(component, found.version):
        error = f"{found.detail}: the version {complaint}"
        return Reading(component=component, source=name, error=error, detail=found.detail)
    return Reading(component=component, source=name, version=found.version, detail=found.detail)


def _complaint(component: str, version: str) -> str | None:
    """Say which of the contract's limits a version breaks, if any."""
    from firmtrail import FirmwareReport  # noqa: PLC0415  takes a tenth of a second that check-config need not wait

    try:
        FirmwareReport(component=component, version=version)
    except ValueError as violation:
        return str(violation)
    return None
