"""`firmtrail report-many`: what many devices run, from a table of any size, with the API key of their gateway."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, cast
from uuid import UUID

import attrs

import firmtrail
from firmtrail._checks import body
from firmtrail._tables import media_of
from firmtrail.cli.importing import opened
from firmtrail.cli.names import project_id
from firmtrail.cli.verbs import Argument, RowsRefused, Verb, flag
from firmtrail_contract import MAX_DEVICE_REPORTS, DeviceReport

_REFUSED = "refused"


@attrs.frozen
class Reported:
    """What became of a row."""

    row: int
    device: str
    component: str
    version: str
    #: what the receipt says, or that it was refused
    outcome: str
    detail: str = ""


def _report(client: firmtrail.Client, options: Any) -> Iterator[Reported]:
    """Send some rows at a time and give what became of each, in their order.

    Raises:
        RowsRefused: at the end, if there were such.
    """
    project, stored, refused = project_id(client, options), 0, 0
    is_csv = not options.ndjson and media_of(options.file) == "csv"
    try:
        with opened(options.file) as lines:
            rows = enumerate(csv.DictReader(lines) if is_csv else map(_parsed, lines), 1)
            while some := [(number, _read(row)) for number, row in islice(rows, MAX_DEVICE_REPORTS)]:
                reports = [read for _, read in some if isinstance(read, DeviceReport)]
                results = client.firmware.report_many(reports, project_id=project)
                for number, read in some:
                    done = _done(number, next(results)) if isinstance(read, DeviceReport) else _never_sent(number, read)
                    refused += done.outcome == _REFUSED
                    stored += done.outcome != _REFUSED
                    yield done
    finally:  # also of what was done before a failure
        sys.stderr.write(f"{stored + refused:,} reports: {stored:,} stored, {refused:,} refused\n")
    if refused:
        raise RowsRefused(
            "Mend the rows that were refused and report them again; to repeat the others changes nothing."
        )


def _parsed(line: str) -> Any:
    """Read a line of NDJSON; one that is none becomes a row that nobody takes."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _read(row: Any) -> DeviceReport | str:
    """Make a report of a row, or say why there is none."""
    if not isinstance(row, Mapping):
        return "is not a JSON object"
    given = cast("Mapping[Any, Any]", row)
    values = {name: value for name, value in given.items() if value is not None and value != ""}
    if None in values:
        return "has more cells than the header"
    device = values.pop("device", None)
    if isinstance(device, str):
        values["device_name"] = device
        with suppress(ValueError):
            values["device_id"], values["device_name"] = UUID(device), None
    try:
        return body(DeviceReport, **values)
    except firmtrail.InvalidRequestError as error:
        return "; ".join(f"{one.pointer} {one.detail}" for one in error.errors)


def _done(number: int, result: firmtrail.ReportResult) -> Reported:
    report, receipt = result.report, result.receipt
    outcome = receipt.receipt.outcome if receipt.receipt else _REFUSED
    device = report.device_name or str(report.device_id or "")
    return Reported(number, device, report.component, report.version, outcome, receipt.detail or "")


def _never_sent(number: int, reason: str) -> Reported:
    return Reported(number, "", "", "", _REFUSED, reason)


VERBS = [
    Verb(
        "report-many",
        "report what many devices run, with a gateway's API key (api-keys create --reports-for-devices)",
        _report,
        [
            Argument(
                "file",
                "CSV in UTF-8 with a header: device (id or name), version, component, observed_at; - is standard input",
                is_file=True,
            ),
            flag("ndjson", "it is NDJSON: a JSON object a line, with the same names"),
        ],
        ["row", "device", "component", "version", "outcome", "detail"],
        examples=["report-many reports.csv", "report-many - --ndjson --csv < reports.ndjson"],
    )
]
