"""Batches of reports over plain HTTP: every record has its own result, and the history comes out right."""

from __future__ import annotations

import datetime as dt
import json
import logging
import uuid
from typing import Any

import attrs
import httpx
import pytest

from firmtrail_contract import MAX_RECORD_COMPONENTS, MAX_RECORDS
from firmtrail_server.settings import Settings
from tests.server.conftest import Clock, Demo
from tests.server.refusals import assert_problem, errors
from tools.openapi.examples import example

Json = dict[str, Any]
HOUR = 3_600_000


def reading(boot: int, ms: int, **more: Any) -> Json:
    return {"boot_id": str(uuid.UUID(int=boot)), "boot_sequence": boot, "boot_time_ms": ms, **more}


def record(first: Json, last: Json | None = None, /, **versions: str) -> Json:
    components = [{"component": component, "version": version} for component, version in versions.items()]
    return {"first_observed": first, "last_observed": last, "components": components}


async def report(http: httpx.AsyncClient, demo: Demo, sent: Json, *records: Json) -> httpx.Response:
    path = f"/v1/devices/{demo.device_id}/firmware_reports"
    return await http.post(path, auth=demo.device_key, json={"sent": sent, "records": records})


async def history(http: httpx.AsyncClient, demo: Demo) -> list[Json]:
    return (await http.get(demo.path, auth=demo.project_key)).raise_for_status().json()["items"]


async def told(http: httpx.AsyncClient, demo: Demo) -> list[tuple[str, str, str, str]]:
    def clock(moment: str) -> str:
        return f"{dt.datetime.fromisoformat(moment):%d %H:%M}"

    return [
        (p["component"], p["version"], clock(p["first_reported_at"]), clock(p["last_reported_at"]))
        for p in await history(http, demo)
    ]


async def test_a_record_becomes_a_period_from_its_first_moment_to_its_last(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await report(http, demo, reading(1, 9 * HOUR), record(reading(1, HOUR), reading(1, 4 * HOUR), main="1"))

    assert answer.status_code == 200
    assert await told(http, demo) == [("main", "1", "01 04:00", "01 07:00")]


async def test_the_answer_says_what_became_of_each_record_and_which_moments_it_counts_for(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    records = [
        record(reading(1, HOUR), main="1"),
        record(reading(1, 2 * HOUR), reading(2, 0), main="2", modem="9"),
        record(reading(2, HOUR), main="2"),
    ]

    answer = (await report(http, demo, reading(2, HOUR), *records)).json()

    assert answer["received_at"] == "2026-06-01T12:00:00.000000Z"
    assert answer["records"][1] == {
        "problem": None,
        "errors": [],
        "first_observed": {"at": "2026-06-01T10:59:59.999999Z", "source": "upper_bound"},
        "last_observed": {"at": "2026-06-01T11:00:00.000000Z", "source": "boot_clock"},
        "components": [{"component": "main", "outcome": "opened"}, {"component": "modem", "outcome": "opened"}],
    }
    assert [one["components"][0]["outcome"] for one in answer["records"]] == ["opened", "opened", "extended"]


async def test_a_device_without_a_clock_that_was_offline_for_an_hour_gets_its_history_right(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, reading(1, HOUR), record(reading(1, HOUR), main="1"))
    clock.advance(hours=1)

    await report(
        http,
        demo,
        reading(1, 2 * HOUR),
        record(reading(1, HOUR + HOUR // 4), main="2"),
        record(reading(1, 2 * HOUR), main="3"),
    )

    assert await told(http, demo) == [
        ("main", "1", "01 12:00", "01 12:00"),
        ("main", "2", "01 12:15", "01 12:15"),
        ("main", "3", "01 13:00", "01 13:00"),
    ]


@pytest.mark.parametrize("seconds", [0.001, 0.5, 30, 299, 310, 30 * 24 * 3600])
async def test_a_batch_that_is_sent_again_changes_nothing_though_the_network_takes_another_time(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, seconds: float
) -> None:
    records = [record(reading(1, ms), reading(1, ms + 100), main=f"v{ms}") for ms in range(0, 2000, 200)]
    first = (await report(http, demo, reading(1, 5000), *records)).json()
    before = await history(http, demo)
    clock.advance(hours=1, seconds=seconds)

    again = (await report(http, demo, reading(1, 5000 + HOUR), *records)).json()

    assert {one["components"][0]["outcome"] for one in again["records"]} == {"known"}
    assert [one["first_observed"] for one in again["records"]] == [one["first_observed"] for one in first["records"]]
    assert await history(http, demo) == before


async def test_a_batch_that_is_sent_again_after_a_reboot_changes_nothing(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    records = [record(reading(1, HOUR), reading(2, HOUR), main="1"), record(reading(2, 2 * HOUR), main="2")]
    await report(http, demo, reading(3, HOUR), *records)
    before = await history(http, demo)
    clock.advance(hours=7)

    again = (await report(http, demo, reading(4, 3 * HOUR), *records)).json()

    assert {one["components"][0]["outcome"] for one in again["records"]} == {"known"}
    assert await history(http, demo) == before


async def test_a_batch_of_an_earlier_boot_that_was_held_up_does_not_become_current(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, reading(5, HOUR), record(reading(5, HOUR - 2000), main="old"))
    clock.advance(minutes=1)
    await report(http, demo, reading(6, 20_000), record(reading(6, 15_000), main="new"))
    clock.advance(minutes=9)

    await report(http, demo, reading(5, HOUR + 1000), record(reading(5, HOUR), main="last"))

    assert [version for _, version, _, _ in await told(http, demo)] == ["old", "last", "new"]


async def test_the_first_batch_of_a_boot_that_two_later_ones_overtook_counts_for_the_time_before_both(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    for boot in (7, 8):
        await report(http, demo, reading(boot, HOUR), record(reading(boot, HOUR), main=f"{boot}"))
        clock.advance(hours=2)

    await report(http, demo, reading(6, 5 * HOUR), record(reading(6, 5 * HOUR), main="6"))

    assert [version for _, version, _, _ in await told(http, demo)] == ["6", "7", "8"]


async def test_a_record_that_has_grown_since_an_answer_was_lost_extends_its_period(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, reading(1, HOUR), record(reading(1, 0), reading(1, HOUR), main="1"))
    clock.advance(hours=1, seconds=3)

    answer = await report(http, demo, reading(1, 2 * HOUR), record(reading(1, 0), reading(1, 2 * HOUR), main="1"))

    assert answer.json()["records"][0]["components"][0]["outcome"] == "extended"
    assert await told(http, demo) == [("main", "1", "01 11:00", "01 13:00")]


async def test_a_bad_record_is_refused_and_its_neighbours_are_stored(http: httpx.AsyncClient, demo: Demo) -> None:
    records = [
        record(reading(1, 0), main="1"),
        record(reading(1, 1), main="bad\n"),
        record(reading(1, 2), Main="2"),
        record(reading(1, HOUR), main="3"),
    ]

    answer = (await report(http, demo, reading(1, HOUR), *records)).json()

    assert [one["problem"] for one in answer["records"]] == [None, "invalid_request", "invalid_request", None]
    assert answer["records"][1]["errors"][0]["pointer"] == "/records/1/components/0/version"
    assert answer["records"][1]["first_observed"] is None
    assert [period[1] for period in await told(http, demo)] == ["1", "3"]


async def test_a_record_with_one_bad_component_is_not_stored_at_all(http: httpx.AsyncClient, demo: Demo) -> None:
    await report(http, demo, reading(1, HOUR), record(reading(1, 0), main="1", modem=""))

    assert await history(http, demo) == []


async def test_an_error_of_a_source_is_taken_and_is_no_part_of_the_history(http: httpx.AsyncClient, demo: Demo) -> None:
    failing = {"first_observed": reading(1, 0), "components": [{"component": "modem", "error": "no answer"}]}

    answer = (await report(http, demo, reading(1, HOUR), record(reading(1, 0), main="1"), failing)).json()

    assert answer["records"][1]["components"] == [{"component": "modem", "outcome": None}]
    assert answer["records"][1]["problem"] is None
    assert [period[0] for period in await told(http, demo)] == ["main"]


async def test_a_device_of_which_no_version_is_known_is_asked_for_all_of_them(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    nothing = await report(http, demo, reading(1, 0))
    something = await report(http, demo, reading(1, 0), record(reading(1, 0), main="1"))
    nothing_new = await report(http, demo, reading(1, 0))

    assert [answer.json()["resync"] for answer in (nothing, something, nothing_new)] == [True, False, False]


async def test_records_that_a_device_had_to_drop_are_in_the_log(
    http: httpx.AsyncClient, demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "firmtrail_server"):
        await report(http, demo, reading(1, 0), record(reading(1, 0), main="1") | {"dropped_before": 17})

    assert caplog.messages == [f"device {demo.device_id} lost 17 records: no room, damaged or refused"]


async def test_devices_are_not_asked_for_an_interval_unless_the_operator_says_so(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    assert (await report(http, demo, reading(1, 0))).json()["next_report_in_seconds"] is None


class TestWithAnInterval:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(seed_enabled=True, report_interval_seconds=900)

    async def test_devices_are_told_when_to_report_again(self, http: httpx.AsyncClient, demo: Demo) -> None:
        assert (await report(http, demo, reading(1, 0))).json()["next_report_in_seconds"] == 900


async def test_a_retry_of_a_batch_of_many_boots_changes_nothing(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    records = [record(reading(boot, HOUR), main=f"{boot}") for boot in range(1, 62)]
    await report(http, demo, reading(61, HOUR), *records)
    before = await history(http, demo)

    for wait in [0, 1, 10, 10_000]:
        clock.advance(minutes=wait)
        await report(http, demo, reading(61, HOUR), *records)

    assert len(before) == 61
    assert await history(http, demo) == before


async def test_a_record_of_a_state_directory_put_back_is_known_after_any_number_of_boots(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    old = record(reading(1, HOUR), main="old")
    await report(http, demo, reading(1, HOUR), old)
    for boot in range(2, 40):
        clock.advance(hours=2)
        await report(http, demo, reading(boot, HOUR), record(reading(boot, HOUR), main="new"))
    put_back = reading(100, 1000) | {"boot_sequence": 2}

    answer = await report(http, demo, put_back, old, record(put_back, main="new"))

    assert [one["components"][0]["outcome"] for one in answer.json()["records"]] == ["known", "extended"]
    assert [period["version"] for period in await history(http, demo)] == ["old", "new"]


async def test_the_first_batch_of_a_boot_after_the_next_boot_keeps_the_new_version_current(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await report(http, demo, reading(5, HOUR), record(reading(5, HOUR), main="1"))
    clock.advance(hours=1)
    held_up = reading(6, 60_000)
    clock.advance(minutes=3)
    await report(http, demo, reading(7, 60_000), record(reading(7, 60_000), main="3"))
    clock.advance(minutes=2)

    for _ in range(3):
        await report(http, demo, held_up, record(held_up, main="2"))
        clock.advance(hours=1)

    assert await told(http, demo) == [
        ("main", "1", "01 12:00", "01 12:00"),
        ("main", "2", "01 13:01", "01 13:01"),
        ("main", "3", "01 13:03", "01 13:03"),
    ]


async def test_a_boot_with_the_number_of_another_one_runs_now(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    for boot, version in ((1, "1"), (2, "2")):
        await report(http, demo, reading(boot, 1000), record(reading(boot, 1000), main=version))
        clock.advance(hours=1)
    new_state = reading(3, 60_000) | {"boot_sequence": 1}

    await report(http, demo, new_state, record(new_state, main="1"))

    assert [period["version"] for period in await history(http, demo)] == ["1", "2", "1"]


async def test_a_machine_that_was_held_while_offline_gets_its_history_right_and_a_retry_changes_nothing(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    def synced(ms: int) -> Json:
        return reading(1, ms, wall_time=clock().isoformat(), clock_state="synced")

    online = (synced(HOUR), record(synced(HOUR), main="1"))
    await report(http, demo, *online)
    clock.advance(hours=1)
    before = record(synced(2 * HOUR), main="2")
    clock.advance(days=3)
    offline = (synced(3 * HOUR), before, record(synced(3 * HOUR), main="3"))

    for _ in range(2):
        await report(http, demo, *offline)
        await report(http, demo, *online)
        clock.advance(hours=1)

    assert await told(http, demo) == [
        ("main", "1", "01 12:00", "01 12:00"),
        ("main", "2", "01 13:00", "01 13:00"),
        ("main", "3", "04 13:00", "04 13:00"),
    ]


async def test_a_clock_that_drifted_by_minutes_is_set_again(http: httpx.AsyncClient, demo: Demo, clock: Clock) -> None:
    await report(http, demo, reading(1, 0), record(reading(1, 0), main="1"))
    clock.advance(days=100, minutes=-6)

    await report(http, demo, reading(1, 100 * 24 * HOUR), record(reading(1, 100 * 24 * HOUR), main="2"))

    assert (await history(http, demo))[-1]["first_reported_at"] == "2026-09-09T11:54:00.000000Z"


async def test_a_batch_and_a_single_report_tell_the_same_history(
    http: httpx.AsyncClient, demo: Demo, clock: Clock
) -> None:
    await http.post(demo.path, auth=demo.device_key, json={"version": "1"})
    clock.advance(hours=1)

    answer = await report(http, demo, reading(1, HOUR), record(reading(1, HOUR), main="1"))

    assert answer.json()["records"][0]["components"][0]["outcome"] == "extended"
    assert await told(http, demo) == [("main", "1", "01 12:00", "01 13:00")]


GOOD: Json = {"sent": reading(1, 5), "records": [record(reading(1, 5), main="1")]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/sent", "missing"), ("/records", "missing")]),
        ([], [("", "wrong_type")]),
        (GOOD | {"records": None}, [("/records", "wrong_type")]),
        (GOOD | {"records": [None]}, [("/records/0", "wrong_type")]),
        (GOOD | {"records": GOOD["records"] * (MAX_RECORDS + 1)}, [("/records", "too_long")]),
        (GOOD | {"sent": reading(1, -1)}, [("/sent/boot_time_ms", "out_of_range")]),
        (GOOD | {"sent": reading(1, 2**60)}, [("/sent/boot_time_ms", "out_of_range")]),
        (GOOD | {"sent": reading(1, 5) | {"boot_time_ms": 1.5}}, [("/sent/boot_time_ms", "wrong_type")]),
        (GOOD | {"sent": reading(1, 5) | {"boot_id": "x"}}, [("/sent/boot_id", "malformed")]),
        (GOOD | {"sent": reading(1, 5) | {"boot_sequence": 2**31}}, [("/sent/boot_sequence", "out_of_range")]),
        (GOOD | {"sent": reading(1, 5, clock_state="perhaps")}, [("/sent/clock_state", "unknown_value")]),
        (GOOD | {"sent": reading(1, 5, wall_time="2026-05-03")}, [("/sent/wall_time", "malformed")]),
        (GOOD | {"more": 1}, [("/more", "unknown_field")]),
        ({**GOOD, "records": [record(reading(1, 5))]}, [("/records/0/components", "too_short")]),
        (
            {**GOOD, "records": [record(reading(1, 5), **{f"c{n}": "1" for n in range(MAX_RECORD_COMPONENTS + 1)})]},
            [("/records/0/components", "too_long")],
        ),
        (
            {**GOOD, "records": [record(reading(1, 5), main="1"), record({}, main="1")]},
            [(f"/records/1/first_observed/boot_{part}", "missing") for part in ("id", "sequence", "time_ms")],
        ),
        (
            {**GOOD, "records": [{**record(reading(1, 5)), "components": [{"version": 3, "x": 1}]}]},
            [("/records/0/components/0/version", "wrong_type"), ("/records/0/components/0/x", "unknown_field")],
        ),
    ],
)
async def test_a_malformed_batch_is_422_names_every_field_and_stores_nothing(
    http: httpx.AsyncClient, demo: Demo, body: object, expected: list[tuple[str, str]]
) -> None:
    path = f"/v1/devices/{demo.device_id}/firmware_reports"

    answer = await http.post(
        path, auth=demo.device_key, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert errors(answer) == [("body", pointer, code) for pointer, code in expected]
    assert await history(http, demo) == []


async def test_a_batch_for_another_device_is_404_and_stores_nothing(
    http: httpx.AsyncClient, demo: Demo, other: Demo
) -> None:
    answer = await report(http, attrs.evolve(other, device_key=demo.device_key), reading(1, 0))

    assert_problem(answer, 404, "not_found")


async def test_a_project_key_may_not_report_a_batch(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await report(http, attrs.evolve(demo, device_key=demo.project_key), reading(1, 0))

    assert_problem(answer, 403, "forbidden")


async def test_the_largest_batch_of_ordinary_records_fits_into_a_body(http: httpx.AsyncClient, demo: Demo) -> None:
    moment = "2026-06-01T12:00:00.000000Z"
    full = [
        record(
            reading(1, 1000 * n, wall_time=moment, clock_state="synced"),
            reading(1, 1000 * n + 1, wall_time=moment, clock_state="synced"),
            main=f"2026.06.01-{n:04}-release",
            kernel="6.12.48+deb13-amd64",
        )
        for n in range(MAX_RECORDS)
    ]

    answer = await report(http, demo, reading(1, HOUR), *full)

    assert [one["problem"] for one in answer.json()["records"]] == [None] * MAX_RECORDS


async def test_the_example_of_the_documentation_is_taken(http: httpx.AsyncClient, demo: Demo) -> None:
    components = (await http.get("/openapi.json")).json()["components"]["schemas"]
    body = example({"$ref": "#/components/schemas/ReportBatch"}, components)

    answer = await report(http, demo, body["sent"], *body["records"])

    assert [one["problem"] for one in answer.json()["records"]] == [None]
