"""A project's whole history, streamed: the rows, and the markers around them that say where it begins, stands and ends.

Every format carries the same markers: NDJSON as lines, CSV as lines that begin with `#`, Arrow as metadata. An export
without `ExportEnd` was cut.
"""

from __future__ import annotations

import datetime as dt
import uuid

import attrs
from attrs.validators import optional

from firmtrail_contract.firmware import component_limits
from firmtrail_contract.labels import label_filter_limits
from firmtrail_contract.moments import AsOf, DayOrMoment
from firmtrail_contract.problems import ProblemCode

NDJSON_TYPE = "application/x-ndjson"
CSV_TYPE = "text/csv"
ARROW_TYPE = "application/vnd.apache.arrow.stream"
#: the metadata of Arrow's schema and record batches that holds a marker
ARROW_KEY = b"firmtrail"


@attrs.frozen(kw_only=True)
class ExportQuery:
    """Which version periods of a project, and how."""

    #: of this component alone
    component: str | None = attrs.field(default=None, validator=optional(component_limits))
    #: labels that devices have today: `site=berlin,rack` asks for this site, and for any rack
    labels: str | None = attrs.field(default=None, validator=optional(label_filter_limits))
    #: in force at this moment or later, or since the beginning of this date in UTC
    since: DayOrMoment | None = None
    #: in force at this moment or before, or until the end of this date in UTC
    until: DayOrMoment | None = None
    #: those in force at this moment alone, or at the end of this date in UTC; not together with `since` or `until`
    at: AsOf | None = None
    #: in stretches of at most 10,000 devices, each of its own moment, so that a cut export can go on
    resumable: bool = False
    #: go on after this device: the `after` of the last position that came; only with `resumable`
    after: uuid.UUID | None = None


@attrs.frozen(kw_only=True)
class ExportedPeriod:
    """A version period of a device's component."""

    device_id: uuid.UUID
    #: today's
    device_name: str
    component: str
    period_id: uuid.UUID
    version: str
    first_reported_at: dt.datetime
    last_reported_at: dt.datetime
    #: the first report of the next period, or of that the component is gone: then no period begins at this moment.
    #: Null while this version is the current one
    superseded_at: dt.datetime | None
    #: reports that opened or extended the period
    report_count: int
    #: the server's moment at which it learned of the period
    recorded_at: dt.datetime


@attrs.frozen(kw_only=True)
class ExportStart:
    """What an export holds; the first marker."""

    #: the moment at which the reading began
    as_of: dt.datetime
    resumable: bool
    #: The last number of the feed of changes before anything was read. Stretches are of different moments: apply the
    #: changes after it, and what you have is exact. Null where the export is of a range or a moment that was asked for.
    feed_number: int | None = None


@attrs.frozen(kw_only=True)
class ExportPosition:
    """Where a resumable export stands: every row up to this device has come, and none of the devices after it."""

    after: uuid.UUID


@attrs.frozen(kw_only=True)
class ExportEnd:
    """The last marker of an export that is whole."""

    #: of this answer
    rows: int
    #: of all bytes of this answer before this marker, decompressed: before its line, or before Arrow's message
    sha256: str


@attrs.frozen(kw_only=True)
class ExportFailure:
    """The last marker of an export that breaks off."""

    code: ProblemCode
    detail: str


@attrs.frozen(kw_only=True)
class ExportMarker:
    """A line, or Arrow metadata, that is no row: one of these."""

    start: ExportStart | None = None
    position: ExportPosition | None = None
    end: ExportEnd | None = None
    error: ExportFailure | None = None
