"""Report the firmware version of a device, and read what it ran."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import firmtrail
import firmtrail_contract
from firmtrail._calls import Call, decode
from firmtrail._checks import body, filters, path, report_batch
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import (
    DEFAULT_COMPONENT,
    AgentStatement,
    BatchReceipt,
    ClockReading,
    FirmwareReceipt,
    FirmwareReport,
    History,
    HistoryGap,
    HistoryQuery,
    ObservationRecord,
    Page,
    VersionPeriod,
)

#: far more than the receipts of the largest batch, and little enough for the memory of a small device
_MAX_RECEIPT_BYTES = 512 * 1024

_VERSION = "/v1/devices/{device_id}/firmware_version"
_REPORTS = "/v1/devices/{device_id}/firmware_reports"
_MANY = "/v1/projects/{project_id}/firmware_reports"


if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HistoryPager(Pager[VersionPeriod]):
    """The version periods of a device, page after page."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._gaps: dict[dt.datetime, HistoryGap] = {}

    @property
    def gaps(self) -> list[HistoryGap]:
        """Where records of the device were lost, so that nothing is known: on the pages fetched so far."""
        return [self._gaps[ended_at] for ended_at in sorted(self._gaps)]

    def plot(self, ax: Axes | None = None, *, colors: Mapping[str, str] | None = None) -> Axes:
        """Fetch all pages, and draw a lane a component and a bar a period.

        A bar is thick from its first report to its last, and thin while the version was in force without a report.
        What is superseded is fainter.

        Args:
            ax: where to draw; a new figure, if left out.
            colors: of versions, as matplotlib names colours; the others keep theirs, as `firmtrail.plots.styles` says.

        Raises:
            MissingExtraError: matplotlib is not installed (`firmtrail[plots]`); nothing was fetched.
        """
        from firmtrail import frames, plots  # noqa: PLC0415  who wants no picture pays for none

        frames.check_installed("plots")
        return plots.history(list(self), ax, until=self.as_of, colors=colors)

    def _fetch(self, token: str | None, page_size: int) -> Page[VersionPeriod]:
        page = super()._fetch(token, page_size)
        self._gaps |= {gap.ended_at: gap for gap in self._last.gaps}
        return page


class Firmware(Resource):
    """What a device runs, and what it ran."""

    def report(  # noqa: PLR0913  what a report can say
        self,
        device_id: uuid.UUID | str,
        version: str,
        *,
        component: str = DEFAULT_COMPONENT,
        observed_at: dt.datetime | None = None,
        strict: bool = False,
        interval_seconds: int | None = None,
    ) -> FirmwareReceipt:
        """Report that a component runs a version. Safe to repeat: a report always says when it was observed.

        Args:
            device_id: the device of the API key.
            version: 1 to 128 printable characters, kept as they are.
            component: the part of the device that runs it.
            observed_at: an aware datetime; now, if left out.
            strict: for imports of old histories: take `observed_at` as it is, or refuse the report. Otherwise one that
                is before 2000, in the future or years before anything that the device has said counts for now, and
                the receipt's `observed_at_source` is `server`.
            interval_seconds: how often the device reports, 10 to 2,678,400; the server then knows sooner when it is
                silent.

        Raises:
            InvalidRequestError: a value is not allowed; nothing was stored.
            FirmtrailError: see `firmtrail.errors`.
        """
        moment = dt.datetime.now(dt.UTC) if observed_at is None else observed_at
        values: dict[str, Any] = {"version": version, "component": component, "observed_at": moment}
        # not every server knows these
        values |= {"strict": True} if strict else {}
        values |= {} if interval_seconds is None else {"interval_seconds": interval_seconds}
        report = body(FirmwareReport, **values)
        said = {name: getattr(report, name) for name in values}
        call = Call(method="POST", path=path(_VERSION, device_id=device_id), body=said, repeatable=True)
        return decode(self._transport.send(call), FirmwareReceipt)

    def report_batch(  # noqa: PLR0913  what a batch can say
        self,
        device_id: uuid.UUID | str,
        records: Sequence[ObservationRecord],
        *,
        sent: ClockReading,
        waiting: Sequence[ClockReading] = (),
        interval_seconds: int | None = None,
        agent: AgentStatement | None = None,
    ) -> BatchReceipt:
        """Report what a device observed, also long ago and without knowing the time. Safe to repeat.

        The server works out the moments from the readings of the device's clocks. A record that it refuses says so in
        its receipt, and does not keep the others from being stored.

        Args:
            device_id: the device of the API key.
            records: at most 64, oldest first.
            sent: the clocks of the device, read just now.
            waiting: of the records that come in later batches, the first reading of each boot and the last.
            interval_seconds: how often the device reports, 10 to 2,678,400; the server then knows sooner when it is
                silent.
            agent: what the agent of the device says of itself; None: nothing new.

        Raises:
            InvalidRequestError: a value is not allowed.
            FirmtrailError: see `firmtrail.errors`.
        """
        batch = report_batch(records, sent, waiting, interval_seconds)
        later: dict[str, Any] = {"waiting": batch.waiting} if batch.waiting else {}  # not every server knows these
        later |= {} if batch.interval_seconds is None else {"interval_seconds": batch.interval_seconds}
        later |= {} if agent is None else {"agent": agent}
        call = Call(
            method="POST",
            path=path(_REPORTS, device_id=device_id),
            body={"sent": batch.sent, "records": batch.records} | later,
            repeatable=True,
            max_answer_bytes=_MAX_RECEIPT_BYTES,
        )
        return decode(self._transport.send(call), BatchReceipt)

    def report_many(
        self,
        reports: Iterable[firmtrail_contract.DeviceReport | Mapping[str, Any]],
        *,
        project_id: uuid.UUID | str | None = None,
    ) -> Generator[firmtrail.ReportResult]:
        """Report what many devices run, as their gateway: give what became of each report, in their order.

        Takes an API key of the project that was made with `reports_for_devices`. Reports are sent 250 at a time, each
        request when the results before it were taken. Safe to repeat: each report says when it was observed.

        Args:
            reports: `DeviceReport`s, or mappings with the same names, such as
                `{"device_name": "pump-1", "version": "2"}`; those of one device in the order in which they were
                observed. Without `observed_at` it is now.
            project_id: the project; None: that of the API key.

        Raises:
            InvalidRequestError: one is no report at all. One that the server refuses stops no others: see its result.
            PermissionDeniedError: the API key is no gateway's.
            FirmtrailError: see `firmtrail.errors`. Those whose results were not given may be stored, or not.
        """
        from firmtrail._gateways import pieces  # noqa: PLC0415  few report for many, and a device never

        place = path(_MANY, project_id=project_id)
        for piece in pieces(reports):
            call = Call(method="POST", path=place, body={"reports": piece.said}, repeatable=True)
            answer = decode(self._transport.send(call), firmtrail_contract.DeviceReportReceipts)
            for report, receipt in zip(piece.reports, answer.reports, strict=True):
                yield firmtrail.ReportResult(report, receipt)

    def history(  # noqa: PLR0913  which of its periods, and how many
        self,
        device_id: uuid.UUID | str,
        *,
        at: dt.datetime | dt.date | None = None,
        component: str | None = None,
        until: dt.datetime | dt.date | None = None,
        newest_first: bool | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> HistoryPager:
        """List every version the device ever reported, oldest first, as version periods; or those of one moment.

        Its `as_of` is that moment, once a page is fetched.

        Args:
            device_id: a device of the API key's project.
            at: only what was in force at this moment, an aware datetime, or at the end of this date in UTC.
            component: of this component alone.
            until: only what was first reported by this moment, an aware datetime, or by the end of this date in UTC.
            newest_first: the newest first, in the place of the oldest.
            limit: the most periods to give in all.
            page_size: the most periods to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
        """
        return HistoryPager(
            self._transport,
            path(_VERSION, device_id=device_id),
            VersionPeriod,
            filters=filters(HistoryQuery, at=at, component=component, until=until, newest_first=newest_first),
            page=History,
            limit=limit,
            page_size=page_size,
            page_token=page_token,
        )
