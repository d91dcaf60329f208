"""What a device observed, now or while it was offline, and what its clocks showed.

Apart from what is answered to it: a device builds these models at every start.
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs

from firmtrail_contract.blanks import without_blanks
from firmtrail_contract.limits import Count, Range

DEFAULT_COMPONENT = "main"
MAX_RECORD_COMPONENTS = 256

MAX_BOOT_TIME_MS = 20 * 365 * 24 * 3600 * 1000
_MAX_COUNT = 2**31 - 1


class ClockState(StrEnum):
    """What a device knows about its wall clock."""

    #: set by a time server, a satellite or the like since the device started
    SYNCED = "synced"
    #: it may be right
    UNSYNCED = "unsynced"
    #: it shows a moment before the software was built that reads it
    IMPLAUSIBLE = "implausible"


@attrs.frozen(kw_only=True, cache_hash=True)  # the server looks each of them up many times
class ClockReading:
    """The clocks of a device, all read at one moment."""

    #: what the kernel drew at its start; the boot clock counts from there
    boot_id: uuid.UUID
    #: numbers the starts of the device: a later one is higher
    boot_sequence: int = attrs.field(validator=Range(0, _MAX_COUNT))
    #: since the start, suspension included
    boot_time_ms: int = attrs.field(validator=Range(0, MAX_BOOT_TIME_MS))
    #: null when the device has none
    wall_time: dt.datetime | None = None
    clock_state: ClockState = ClockState.UNSYNCED


@attrs.frozen(kw_only=True)
class ComponentReading:
    """What the source of a component's version said: the version, or why there is none. One of the two is given.

    The limits of the texts are those of a single report; a record that breaks them is refused, its neighbours are not.
    """

    component: str = DEFAULT_COMPONENT
    #: the device's own string: 1 to 128 printable characters, without blanks and invisible marks around it
    version: str | None = attrs.field(default=None, converter=attrs.converters.optional(without_blanks))
    #: 1 to 256 printable characters
    error: str | None = None
    #: the device does not have the component, by its own word; `error` says where that stands. A source that cannot be
    #: read, or does not answer, is no reason
    gone: bool = False


@attrs.frozen(kw_only=True)
class ObservationRecord:
    """What a device found its components to run, once or many times in a row. It is stored whole or not at all."""

    first_observed: ClockReading
    #: null when there was one observation
    last_observed: ClockReading | None = None
    #: each named once
    components: list[ComponentReading] = attrs.field(validator=Count(1, MAX_RECORD_COMPONENTS))
    #: records between the one before and this one that the device has lost: no room for them, damaged or refused
    dropped_before: int = attrs.field(default=0, validator=Range(0, _MAX_COUNT))
