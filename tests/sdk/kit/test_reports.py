"""Reports: the same outcomes and the same histories of the stand-in and of the server."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from firmtrail import (
    AuthenticationError,
    ClockReading,
    ComponentReading,
    InvalidRequestError,
    NotFoundError,
    ObservationRecord,
    PermissionDeniedError,
)
from tests.sdk.kit.installation import Asking

HOUR = dt.timedelta(hours=1)


async def history(ask: Asking, device_id: str, **filters: Any) -> list[tuple[Any, ...]]:
    """Everything that a history says but ids, with hours in the place of moments."""
    start = min([one.first_reported_at for one in await ask.all(lambda client: client.firmware.history(device_id))])

    def hours(moment: dt.datetime | None) -> float | None:
        return None if moment is None else (moment - start) / HOUR

    return [
        (one.component, one.version, hours(one.first_reported_at), hours(one.last_reported_at), one.report_count)
        + ((hours(one.superseded_at),) if one.superseded_at else ())
        for one in await ask.all(lambda client: client.firmware.history(device_id, **filters))
    ]


@pytest.mark.parametrize(
    ("told", "outcomes", "periods"),
    [
        (
            [("1", 0), ("1", 1), ("1", 1), ("2", 2)],
            ["opened", "extended", "known", "opened"],
            [("main", "1", 0, 1, 2, 2), ("main", "2", 2, 2, 1)],
        ),
        (
            [("1", 0), ("1", 4), ("2", 2)],  # late, in the midst of another version
            ["opened", "extended", "opened"],
            [("main", "1", 0, 0, 1, 2), ("main", "2", 2, 2, 1, 4), ("main", "1", 4, 4, 1)],
        ),
        (
            [("1", 0), ("2", 6), ("1", 3), ("2", 5), ("3", 4)],  # late, in the gap
            ["opened", "opened", "extended", "extended", "opened"],
            [("main", "1", 0, 3, 2, 4), ("main", "3", 4, 4, 1, 5), ("main", "2", 5, 6, 2)],
        ),
        ([(" 1 ", 0), ("1", 0)], ["opened", "known"], [("main", "1", 0, 0, 1)]),
    ],
    ids=["in order", "split", "gap", "blanks"],
)
async def test_reports_make_the_same_history(
    ask: Asking, told: list[tuple[str, int]], outcomes: list[str], periods: list[Any]
) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)
    start = ask.installation.now() - 10 * HOUR

    receipts = [await ask.ran(key, device_id, version, start + hours * HOUR) for version, hours in told]

    assert [receipt.outcome for receipt in receipts] == outcomes
    assert {receipt.observed_at_source for receipt in receipts} == {"device"}
    assert await history(ask, device_id) == periods


async def test_a_history_comes_newest_first_up_to_a_moment(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key, start = await ask.device_key(device_id), ask.installation.now() - 10 * HOUR
    for hours in range(4):
        await ask.ran(key, device_id, str(hours), start + hours * HOUR)

    found = await history(ask, device_id, until=start + 2 * HOUR, newest_first=True, page_size=2)

    assert [version for _, version, *_ in found] == ["2", "1", "0"]


async def test_a_moment_ahead_counts_for_the_servers(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)
    before = ask.installation.now()

    receipt = await ask.ran(key, device_id, "1", before + HOUR)

    assert receipt.observed_at_source == "server"
    assert before <= receipt.observed_at <= ask.installation.now()


async def test_the_servers_moment_is_never_before_the_last_report(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)
    ahead = ask.installation.now() + HOUR / 15
    await ask.ran(key, device_id, "1", ahead)

    receipt = await ask.ran(key, device_id, "2", dt.datetime(1980, 1, 1, tzinfo=dt.UTC))

    assert (receipt.observed_at, receipt.observed_at_source) == (ahead, "server")


async def test_a_strict_report_that_cannot_be_right_is_refused(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key, ahead = await ask.device_key(device_id), ask.installation.now() + HOUR

    with pytest.raises(InvalidRequestError) as refused:
        await ask(lambda client: client.firmware.report(device_id, "1", observed_at=ahead, strict=True), key=key)

    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/observed_at", "out_of_range")]


async def test_an_old_strict_report_is_taken(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key, old = await ask.device_key(device_id), ask.installation.now() - dt.timedelta(days=2000)

    receipt = await ask(lambda client: client.firmware.report(device_id, "1", observed_at=old, strict=True), key=key)

    assert receipt.observed_at == old


async def test_a_device_speaks_for_itself_alone(ask: Asking) -> None:
    device_id, other = await ask.device("pump-1"), await ask.device("pump-2")
    key, now = await ask.device_key(device_id), ask.installation.now()

    with pytest.raises(NotFoundError):
        await ask.ran(key, other, "1", now)
    with pytest.raises(PermissionDeniedError):
        await ask.all(lambda client: client.firmware.history(device_id), key=key)
    with pytest.raises(PermissionDeniedError):
        await ask.ran(ask.installation.api_key, device_id, "1", now)
    with pytest.raises(AuthenticationError):
        await ask.ran(f"{uuid.uuid4()}:{key.partition(':')[2]}", device_id, "1", now)


async def test_history_is_read_by_component_page_and_moment(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key, start = await ask.device_key(device_id), ask.installation.now() - 10 * HOUR
    for hours, version in enumerate("1234"):
        await ask.ran(key, device_id, version, start + hours * HOUR)
        await ask.ran(key, device_id, f"m{version}", start + hours * HOUR, component="modem")

    every = await history(ask, device_id, page_size=3)

    assert [(one[0], one[1]) for one in every] == [
        pair for version in "1234" for pair in (("main", version), ("modem", f"m{version}"))
    ]
    assert [one[1] for one in await history(ask, device_id, component="modem")] == ["m1", "m2", "m3", "m4"]
    assert [one[1] for one in await history(ask, device_id, at=start + 1.5 * HOUR)] == ["2", "m2"]
    assert await history(ask, device_id, at=start - HOUR) == []
    assert [one[1] for one in await history(ask, device_id, at=ask.installation.now() + HOUR)] == ["4", "m4"]


async def test_a_batch_counts_from_the_start_of_its_boot(ask: Asking) -> None:
    device_id, boot = await ask.device("pump-1"), uuid.uuid4()
    key = await ask.device_key(device_id)
    records = [record(boot, 1, 2, main="1.0", modem="7"), record(boot, 3, None, main="1.1")]

    async def sent() -> Any:
        return await ask(
            lambda client: client.firmware.report_batch(device_id, records, sent=reading(boot, 4)), key=key
        )

    first, second = await sent(), await sent()

    assert [[one.outcome for one in receipt.components] for receipt in first.records] == [
        ["opened", "opened"],
        ["opened"],
    ]
    assert [[one.outcome for one in receipt.components] for receipt in second.records] == [
        ["known", "known"],
        ["known"],
    ]
    assert [receipt.first_observed for receipt in first.records] == [one.first_observed for one in second.records]
    assert {receipt.last_observed.source for receipt in first.records} == {"boot_clock"}
    assert (first.resync, first.next_report_in_seconds) == (False, None)
    assert await history(ask, device_id) == [
        ("main", "1.0", 0, 1, 2, 2),
        ("modem", "7", 0, 1, 2),
        ("main", "1.1", 2, 2, 1),
    ]


async def test_an_empty_batch_of_an_unknown_device_asks_for_everything(ask: Asking) -> None:
    device_id = await ask.device("pump-1")
    key = await ask.device_key(device_id)

    receipt = await ask(
        lambda client: client.firmware.report_batch(device_id, [], sent=reading(uuid.uuid4(), 4)), key=key
    )

    assert (receipt.records, receipt.resync) == ([], True)


def reading(boot: uuid.UUID, hours: int) -> ClockReading:
    return ClockReading(boot_id=boot, boot_sequence=1, boot_time_ms=hours * 3_600_000)


def record(boot: uuid.UUID, first: int, last: int | None, **versions: str) -> ObservationRecord:
    return ObservationRecord(
        first_observed=reading(boot, first),
        last_observed=None if last is None else reading(boot, last),
        components=[ComponentReading(component=name, version=version) for name, version in versions.items()],
    )


async def test_a_gateway_gets_a_result_for_each_report(ask: Asking) -> None:
    first, second = await ask.device("pump-1"), await ask.device("pump-2")
    await ask(lambda client: client.devices.retire(second))
    key, now = await ask.gateway_key(), ask.installation.now()
    said = [
        {"device_name": "pump-1", "version": "1"},
        {"device_id": first, "version": "2", "component": "modem"},
        {"device_name": "pump-2", "version": "1"},
        {"device_name": "stranger", "version": "1"},
        {"device_name": "pump-1", "version": "", "component": "No"},
        {"version": "1"},
        {"device_name": "pump-1", "version": "1", "strict": True, "observed_at": now + HOUR},
    ]

    results = await ask.all(
        lambda client: client.firmware.report_many([{"observed_at": now} | one for one in said]), key=key
    )

    told = [(one.is_stored, one.receipt.problem, {error.pointer for error in one.receipt.errors}) for one in results]
    assert told == [
        (True, None, set()),
        (True, None, set()),
        (False, "conflict", set()),
        (False, "not_found", set()),
        (False, "invalid_request", {"/reports/4/version", "/reports/4/component"}),
        (False, "invalid_request", {"/reports/5"}),
        (False, "invalid_request", {"/reports/6/observed_at"}),
    ]
    assert [one.receipt.receipt.outcome for one in results[:2]] == ["opened", "opened"]
    assert str(results[0].receipt.device_id) == first


async def test_only_a_gateways_key_reports_for_devices(ask: Asking) -> None:
    await ask.device("pump-1")

    with pytest.raises(PermissionDeniedError):
        await ask.all(lambda client: client.firmware.report_many([{"device_name": "pump-1", "version": "1"}]))
