"""Reports for many devices, cut into requests that a server takes. No I/O."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import attrs

from firmtrail._checks import body
from firmtrail._converters import thorough
from firmtrail_contract import MAX_DEVICE_REPORTS, DeviceReport, DeviceReportReceipt

#: of a request, with room for what surrounds the reports: a server takes 64 KiB
_MAX_BYTES = 60 * 1024


class ReportResult(NamedTuple):
    """What became of one report of many."""

    report: DeviceReport
    receipt: DeviceReportReceipt

    @property
    def is_stored(self) -> bool:
        """Whether it is in the history; if not, `receipt.problem` and `receipt.detail` say why."""
        return self.receipt.problem is None


class Piece(NamedTuple):
    """What one request carries."""

    reports: list[DeviceReport]
    said: list[dict[str, Any]]


def pieces(reports: Iterable[DeviceReport | Mapping[str, Any]]) -> Iterator[Piece]:
    """Cut reports into requests, in their order; each gets a moment, so that it is safe to repeat.

    Raises:
        InvalidRequestError: one is no report, such as one with a naive datetime. Those before it are given first.
    """
    piece, size = Piece([], []), 0
    for given in reports:
        report = _report(given)
        said = _said(report)
        length = len(json.dumps(said)) + 1
        if piece.reports and (len(piece.reports) == MAX_DEVICE_REPORTS or size + length > _MAX_BYTES):
            yield piece
            piece, size = Piece([], []), 0
        piece.reports.append(report)
        piece.said.append(said)
        size += length
    if piece.reports:
        yield piece


def _report(given: DeviceReport | Mapping[str, Any]) -> DeviceReport:
    values = attrs.asdict(given) if isinstance(given, DeviceReport) else {**given}
    if values.get("observed_at") is None:
        values["observed_at"] = dt.datetime.now(dt.UTC)
    return body(DeviceReport, **values)


def _said(report: DeviceReport) -> dict[str, Any]:
    """Write a report as JSON has it, without what is as it would be anyway."""
    plain: dict[str, Any] = thorough.unstructure(report)
    return {name: value for name, value in plain.items() if value is not None and value is not False}
