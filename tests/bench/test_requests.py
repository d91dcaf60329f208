"""Requests as templates: what goes into them, and that their length stays."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from bench.fleet import make_fleet
from bench.requests import (
    COMPONENTS,
    OFFLINE_OBSERVATIONS,
    agents_batch,
    clock_now,
    filled,
    offline_batch,
    report,
    write_requests,
)
from firmtrail_contract import ReportBatch, strict_converter
from firmtrail_contract.reports import MAX_RECORDS
from firmtrail_server.history import batches

(DEVICE,) = make_fleet(1)


def split(message: bytes) -> tuple[str, bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    return head.decode(), body


def test_a_report_is_a_whole_request_with_the_device_s_key() -> None:
    head, body = split(filled(report(DEVICE), host="127.0.0.1:80", version=12))

    assert head.startswith(f"POST /v1/devices/{DEVICE.id}/firmware_version HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert DEVICE.authorization in head
    assert f"Content-Length: {len(body)}" in head
    assert json.loads(body) == {"version": "1.0.0000012"}


def test_another_header_takes_the_place_of_the_key() -> None:
    head, _ = split(filled(report(DEVICE, "Authorization: Bearer token")))

    assert "Authorization: Bearer token" in head
    assert DEVICE.authorization not in head


def test_the_agent_s_batch_is_one_that_the_server_takes() -> None:
    clock = clock_now()
    head, body = split(filled(agents_batch(DEVICE), version=3, clock=clock))

    batch = strict_converter().structure(json.loads(body), ReportBatch)

    assert f"Content-Length: {len(body)}" in head
    assert not batches.refusals(batch)
    assert batch.sent.boot_time_ms == clock
    assert [(one.component, one.version) for one in batch.records[0].components] == [
        (name, "1.0.0000003") for name in COMPONENTS
    ]


def test_an_offline_batch_is_full_of_changes_in_order() -> None:
    clock = clock_now()
    head, body = split(filled(offline_batch(DEVICE), clock=clock))

    batch = strict_converter().structure(json.loads(body), ReportBatch)

    assert f"Content-Length: {len(body)}" in head
    assert not batches.refusals(batch)
    assert len(batch.records) == MAX_RECORDS
    moments = [
        moment.boot_time_ms for one in batch.records for moment in (one.first_observed, one.last_observed) if moment
    ]
    assert moments == sorted(set(moments))
    assert clock - 1000 < moments[0] < moments[-1] < batch.sent.boot_time_ms < clock + 1000
    assert all(earlier.components != later.components for earlier, later in pairwise(batch.records))


def test_the_observations_of_an_offline_batch_are_counted() -> None:
    _, body = split(filled(offline_batch(DEVICE)))
    records = json.loads(body)["records"]

    counted = sum(len(one["components"]) * (2 if one["last_observed"] else 1) for one in records)

    assert counted == OFFLINE_OBSERVATIONS


def test_the_boot_clock_has_as_many_digits_as_its_stand_in() -> None:
    lengths = {len(filled(agents_batch(DEVICE), clock=clock)) for clock in (clock_now(), 111_111_111_111)}

    assert len(lengths) == 1


def test_a_file_holds_a_request_a_line_and_is_for_our_eyes_only(tmp_path: Path) -> None:
    file = write_requests(tmp_path / "requests", [report(DEVICE), report(DEVICE)])

    first, second = file.read_text().splitlines()
    assert first == second == report(DEVICE).replace("\r\n", "\t")
    assert file.stat().st_mode & 0o077 == 0
