"""The feed of a project: every change of its devices' histories, in one order, each with a number."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.limits import Range, Text

MAX_CHANGES = 1_000
MAX_WAIT_SECONDS = 300


class ChangeKind(StrEnum):
    """What happened."""

    #: a component began to run a version, or is gone: then `version` is null
    OPENED = "opened"
    #: a late report showed a period before one that was known, or split one
    INSERTED = "inserted"
    #: a period that was known begins at another moment
    MOVED = "moved"
    #: the device was deleted: all of its periods are void
    DEVICE_REMOVED = "device_removed"
    #: the device has not reported for longer than its cadence allows
    FELL_SILENT = "fell_silent"
    #: a device that was silent has reported
    HEARD_AGAIN = "heard_again"
    #: a silent device was retired: it counts as silent no more
    SILENCE_WITHDRAWN = "silence_withdrawn"


_ANY_KIND = "|".join(ChangeKind)
_kinds_limits = Text(1, 200, f"^({_ANY_KIND})(,({_ANY_KIND}))*$", f"be one or several of {', '.join(ChangeKind)}")
_number_limits = Range(0, 2**53 - 1)


@attrs.frozen(kw_only=True)
class FirmwareChange:
    """A change of a history, or of what is known of a device. It is a state, so that to apply it twice is harmless."""

    #: 1, 2, 3, ... in each project
    number: int
    kind: ChangeKind
    device_id: uuid.UUID
    #: null: it is about the device as a whole
    component: str | None = None
    #: 1, 2, 3, ... for each component of a device; null where there is no component
    change_number: int | None = None
    #: the period that begins or moves; the periods of a component follow from these by their beginnings
    period_id: uuid.UUID | None = None
    #: null: it is a period in which the device did not have the component, or there is no period
    version: str | None = None
    #: what ran before the period; null: nothing that is known, or the device did not have the component
    previous_version: str | None = None
    #: the beginning of the period, which ends where the next one of the component begins
    first_reported_at: dt.datetime | None = None
    #: orders the periods of a component that begin at one moment
    tie_rank: int | None = None
    #: of a silence: the last report before it, or the device's registration. It names the silence
    silent_since: dt.datetime | None = None
    #: of a silence that has ended: the report that ended it
    ended_at: dt.datetime | None = None
    #: the server's moment of the change
    recorded_at: dt.datetime


@attrs.frozen(kw_only=True)
class FirmwareChangesQuery:
    """From where on, how many, and of what; filters add up."""

    #: the number of the last change that you have; all that are kept, if left out
    after: int | None = attrs.field(default=None, validator=optional(_number_limits))
    #: for how long the server waits for a change when there is none
    wait_seconds: int = attrs.field(default=0, validator=Range(0, MAX_WAIT_SECONDS))
    #: the most changes to answer with
    limit: int = attrs.field(default=100, validator=Range(1, MAX_CHANGES))
    #: of this component, and those that are about a device as a whole
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: of these kinds: `opened,device_removed`
    kind: str | None = attrs.field(default=None, validator=optional(_kinds_limits))
    #: of this device alone
    device_id: uuid.UUID | None = None
    #: of devices with these labels today: `site=berlin,rack`; and of every device that was removed, for its labels
    #: are gone
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))


@attrs.frozen(kw_only=True)
class FirmwareChanges:
    """Changes in the order of their numbers."""

    items: list[FirmwareChange]
    #: pass it as `after` to go on; with filters it is beyond the last item
    last_number: int
