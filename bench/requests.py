"""The requests of a load, as templates. Each visit of a device fills in $host, $version and the boot clock.

load.lua fills them for wrk, `filled` for loads that Python sends.
"""

from __future__ import annotations

import datetime as dt
import re
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template

from bench.fleet import Device
from bench.tokens import TOKEN_PATH
from firmtrail import ClockReading, ComponentReading, ObservationRecord, to_json
from firmtrail_contract import ReportBatch
from firmtrail_contract.reports import MAX_RECORDS

#: All devices have started at that moment, 2020 began: a boot clock has twelve digits. As in load.lua.
BOOTED_MS = 1_577_836_800_000
#: two of them: one would be a single report
COMPONENTS = ("main", "modem")
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_VERSION = "1.0.$version"
#: different versions in a spool
_ALTERNATING = 3
_SEEN_TWICE = (2, 3)
#: in an offline batch, the first and the last moment of each component of each record
OFFLINE_OBSERVATIONS = MAX_RECORDS // 4 * (1 + 2 + 2 + 4)
REPORT = f'{{"version": "{_VERSION}"}}'
#: in the place of $clock, which is no number
_STAND_IN = 111_111_111_111


def request(line: str, headers: Sequence[str], body: str = "", *, content_type: str = JSON) -> str:
    """Make a template of a request; `line` is its method and path."""
    content = [f"Content-Type: {content_type}", f"Content-Length: {len(filled(body))}"] if body else []
    return "\r\n".join([f"{line} HTTP/1.1", "Host: $host", *headers, *content, "", body])


def report(device: Device, *headers: str) -> str:
    """One version, reported by itself; with the device's key unless other headers are given."""
    return request(f"POST {device.path}/firmware_version", headers or [device.authorization], REPORT)


def agents_batch(device: Device, *headers: str) -> str:
    """One record of two components, as the agent sends it every hour."""
    now = _reading(device, _STAND_IN)
    components = [ComponentReading(component=name, version=_VERSION) for name in COMPONENTS]
    batch = ReportBatch(sent=now, records=[ObservationRecord(first_observed=now, components=components)])
    body = to_json(batch).replace(str(_STAND_IN), "$clock")
    return request(f"POST {device.path}/firmware_reports", headers or [device.authorization], body)


def offline_batch(device: Device) -> str:
    """What a device sends that was offline: as many records as a batch may hold, each of them a change.

    In half of the records there are two components, and half of them were observed more than once. The boot clock is
    written as its full seconds, $second, and three digits: records are a millisecond apart, and before the sending.
    """
    second = _STAND_IN // 1000 * 1000
    records = [
        ObservationRecord(
            first_observed=_reading(device, second + 2 * index),
            last_observed=_reading(device, second + 2 * index + 1) if index % 4 in _SEEN_TWICE else None,
            components=[
                ComponentReading(component=name, version=f"{_VERSION}.{index % _ALTERNATING}")
                for name in COMPONENTS[: 1 + index % 2]
            ],
        )
        for index in range(MAX_RECORDS)
    ]
    body = to_json(ReportBatch(sent=_reading(device, second + 999), records=records))
    text = re.sub(rf"\b{second // 1000}(?=\d{{3}}\b)", "${second}", body)
    return request(f"POST {device.path}/firmware_reports", [device.authorization], text)


def token_request(device: Device) -> str:
    """Ask for an access token."""
    body = "grant_type=client_credentials"
    return request(f"POST {TOKEN_PATH}", [device.authorization], body, content_type=FORM)


def filled(template: str, *, host: str = "", version: int = 0, clock: int = _STAND_IN) -> bytes:
    values = {"host": host, "version": f"{version:07d}", "clock": clock, "second": clock // 1000}
    return Template(template).substitute(values).encode()


def clock_now() -> int:
    """Read the boot clock that all devices share."""
    return time.time_ns() // 1_000_000 - BOOTED_MS


def write_requests(file: Path, requests: Iterable[str]) -> Path:
    """Write what load.lua reads: a request a line, with tabs for its line ends. For our eyes only: it holds secrets."""
    file.touch(mode=0o600)
    file.write_text("".join(text.replace("\r\n", "\t") + "\n" for text in requests), encoding="utf-8")
    return file


def _reading(device: Device, clock: int) -> ClockReading:
    return ClockReading(
        boot_id=uuid.uuid5(device.id, "boot"),
        boot_sequence=1,
        boot_time_ms=clock,
        wall_time=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    )
