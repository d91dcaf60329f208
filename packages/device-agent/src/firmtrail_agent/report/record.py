"""From what the sources say to one record, which fits into a request."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from firmtrail import ComponentReading, ObservationRecord, to_json
from firmtrail_agent.sources import Reading
from firmtrail_agent.system.clock import Clocks
from firmtrail_agent.validation.redact import one_line

#: of one observation: with all that a request carries beside it, it is less than the 64 KiB that a server takes
_MAX_COMPONENTS = 256
_MAX_COMPONENTS_BYTES = 48 * 1024
_LONGEST_ERROR = 256
#: in the place of an error until it is known for how many bytes of it there is room
_NO_ERROR_YET = "?"


def record_of(readings: Sequence[Reading], clocks: Clocks) -> ObservationRecord | None:
    """Make a record of what was read just now; None: the device has no source at all."""
    present = [reading for reading in readings if not reading.is_absent]
    if not present:
        return None
    return ObservationRecord(first_observed=clocks.read(), components=_fitting(present))


def _fitting(readings: Sequence[Reading]) -> list[ComponentReading]:
    """Take what fits into one record: versions first, then components without one; why so shares what is left."""
    room, kept = _MAX_COMPONENTS_BYTES, dict[str, ComponentReading]()
    for reading in sorted(readings, key=lambda one: one.version is None):
        error = None if reading.version is not None else _NO_ERROR_YET
        component = ComponentReading(
            component=reading.component, version=reading.version, error=error, gone=reading.gone
        )
        size = len(to_json(component)) + len(",")
        if size <= room and len(kept) < _MAX_COMPONENTS:
            room -= size
            kept[reading.component] = component
    failed = sum(component.error is not None for component in kept.values())
    share = room // max(failed, 1)
    return [
        kept[reading.component]
        if reading.version is not None
        else attrs.evolve(kept[reading.component], error=_shortened(reading.error or reading.detail, share))
        for reading in readings
        if reading.component in kept
    ]


def _shortened(error: str, most_bytes: int) -> str:
    text = one_line(error, _LONGEST_ERROR)
    while len(text) > 1 and len(to_json(text)) - len('""') > most_bytes:
        text = text[:-1]
    return text.strip() or _NO_ERROR_YET
