"""Batches of reports, from the SDK to the real server, to its stand-in and to one that misbehaves."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid

import pytest

from firmtrail import (
    AsyncClient,
    BatchReceipt,
    Client,
    ClockReading,
    ClockState,
    ComponentReading,
    DecodeError,
    InvalidRequestError,
    ObservationRecord,
    ObservedAtSource,
    ReportOutcome,
)
from firmtrail.testing import StandIn
from tests.sdk.misbehaving import MisbehavingServer, answering
from tests.sdk.test_client import key, url
from tests.served import Server
from tests.server.conftest import Demo

DEVICE_ID = "1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b"
KEY = "7c9e6679-7425-40de-944b-e07fc1f90ae7:ftd_secret"

#: the answer to a batch without records, and a receipt of one
NOTHING: dict[str, object] = {
    "records": [],
    "received_at": "2026-06-01T12:00:00Z",
    "next_report_in_seconds": None,
    "resync": False,
}
FINE: dict[str, object] = {"problem": None, "errors": [], "components": []}


def reading(ms: int, wall_time: dt.datetime | None = None) -> ClockReading:
    return ClockReading(boot_id=uuid.UUID(int=1), boot_sequence=1, boot_time_ms=ms, wall_time=wall_time)


def record(ms: int, version: str) -> ObservationRecord:
    return ObservationRecord(first_observed=reading(ms), components=[ComponentReading(version=version)])


async def test_a_batch_that_a_device_sends_its_project_reads(server: Server, demo: Demo) -> None:
    async with (
        AsyncClient(url(server), api_key=key(demo.device_key)) as device,
        AsyncClient(url(server), api_key=key(demo.project_key)) as project,
    ):
        receipt = await device.firmware.report_batch(
            demo.device_id, [record(0, "1.0"), record(1000, "1.1")], sent=reading(5000)
        )
        periods = [period async for period in project.firmware.history(demo.device_id)]

    assert [one.components[0].outcome for one in receipt.records] == [ReportOutcome.OPENED] * 2
    first, second = receipt.records[0].first_observed, receipt.records[1].first_observed
    assert first is not None
    assert second is not None
    assert first.source is ObservedAtSource.BOOT_CLOCK
    assert [(p.version, p.first_reported_at) for p in periods] == [("1.0", first.at), ("1.1", second.at)]


async def test_the_sync_client_does_the_same(server: Server, demo: Demo) -> None:
    def use() -> BatchReceipt:
        with Client(url(server), api_key=key(demo.device_key)) as device:
            return device.firmware.report_batch(demo.device_id, [record(0, "bad\n"), record(1, "2")], sent=reading(2))

    refused, taken = (await asyncio.to_thread(use)).records

    assert refused.problem == "invalid_request"
    assert [error.pointer for error in refused.errors] == ["/records/0/components/0/version"]
    assert taken.problem is None


async def test_a_batch_is_sent_again_when_its_answer_is_lost_and_word_for_word(firmtrail_stand_in: StandIn) -> None:
    device = firmtrail_stand_in.add_device("pump-1")
    firmtrail_stand_in.lose_answers()

    async with AsyncClient(api_key=firmtrail_stand_in.add_device_key(device.id)) as client:
        receipt = await client.firmware.report_batch(device.id, [record(0, "1")], sent=reading(5))

    first, second = firmtrail_stand_in.requests
    assert first.json == second.json
    assert receipt.records[0].components[0].outcome == "known"


async def test_what_waits_is_told_where_something_waits(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(200, json.dumps(NOTHING))] * 2

    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        await client.firmware.report_batch(DEVICE_ID, [record(0, "1")], sent=reading(5))
        await client.firmware.report_batch(DEVICE_ID, [record(0, "1")], sent=reading(5), waiting=[reading(1)])
        with pytest.raises(InvalidRequestError) as refused:
            await client.firmware.report_batch(DEVICE_ID, [], sent=reading(5), waiting=[reading(1)] * 33)

    nothing, something = (json.loads(request.partition(b"\r\n\r\n")[2]) for request in misbehaving.requests)
    assert set(nothing) == {"sent", "records"}
    assert [one["boot_time_ms"] for one in something["waiting"]] == [reading(1).boot_time_ms]
    assert [error.pointer for error in refused.value.errors] == ["/waiting"]


async def test_an_interval_is_announced_where_it_is_known(firmtrail_stand_in: StandIn) -> None:
    device = firmtrail_stand_in.add_device("pump-1")

    async with AsyncClient(api_key=firmtrail_stand_in.add_device_key(device.id)) as client:
        await client.firmware.report_batch(device.id, [], sent=reading(5), interval_seconds=600)
        with pytest.raises(InvalidRequestError) as refused:
            await client.firmware.report_batch(device.id, [], sent=reading(5), interval_seconds=9)

    (request,) = firmtrail_stand_in.requests
    assert request.json["interval_seconds"] == 600
    assert [error.pointer for error in refused.value.errors] == ["/interval_seconds"]


async def test_sources_and_outcomes_of_a_newer_server_are_kept_as_text(misbehaving: MisbehavingServer) -> None:
    moment = {"at": "2026-06-01T12:00:00Z", "source": "sundial"}
    answer = NOTHING | {"records": [FINE | {"problem": "tired", "first_observed": moment, "last_observed": moment}]}
    misbehaving.behaviours = [answering(200, json.dumps(answer))]

    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        receipt = await client.firmware.report_batch(DEVICE_ID, [record(0, "1")], sent=reading(5))

    assert receipt.records[0].problem == "tired"
    assert receipt.records[0].first_observed is not None
    assert receipt.records[0].first_observed.source == "sundial"


async def test_an_answer_far_larger_than_all_receipts_is_not_read(misbehaving: MisbehavingServer) -> None:
    misbehaving.behaviours = [answering(200, "x" * 1_000_000)]

    async with AsyncClient(misbehaving.url, api_key=KEY, auth="basic") as client:
        with pytest.raises(DecodeError, match="larger than 524288 bytes"):
            await client.firmware.report_batch(DEVICE_ID, [], sent=reading(5))


@pytest.mark.parametrize("place", ["/sent", "/records/0/first_observed", "/records/0/last_observed"])
async def test_a_naive_wall_time_is_refused_before_it_is_sent(place: str) -> None:
    naive = reading(1, dt.datetime(2026, 6, 1))  # noqa: DTZ001  the point
    record = ObservationRecord(
        first_observed=naive if "first" in place else reading(1),
        last_observed=naive if "last" in place else None,
        components=[ComponentReading(version="1")],
    )

    async with AsyncClient("http://127.0.0.1:9", api_key=KEY, auth="basic") as client:
        with pytest.raises(InvalidRequestError, match="aware") as refused:
            await client.firmware.report_batch(DEVICE_ID, [record], sent=naive if place == "/sent" else reading(2))

    assert [error.pointer for error in refused.value.errors] == [f"{place}/wall_time"]


async def test_too_many_records_are_refused_before_they_are_sent() -> None:
    async with AsyncClient("http://127.0.0.1:9", api_key=KEY, auth="basic") as client:
        with pytest.raises(InvalidRequestError) as refused:
            await client.firmware.report_batch(DEVICE_ID, [record(0, "1")] * 65, sent=reading(2))

    assert [error.pointer for error in refused.value.errors] == ["/records"]


def test_a_clock_is_not_taken_for_synced_unless_that_is_said() -> None:
    assert reading(1).clock_state is ClockState.UNSYNCED
