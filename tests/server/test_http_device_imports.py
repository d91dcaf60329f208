"""Importing devices over HTTP: CSV and NDJSON, repeatable, with a result for each row."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from firmtrail_server.http.rows import MAX_ROWS_BYTES
from firmtrail_server.http.rows_endpoint import MAX_IMPORTS_OF_A_PROJECT
from firmtrail_server.services.device_imports import MAX_ROW_ERRORS, MAX_ROW_LENGTH, MAX_ROWS, MAX_TABLE_ERRORS
from tests.server.callers import Caller, all_pages, made, read, refusal, wrong_fields
from tests.server.conftest import Demo
from tests.server.faults.connections import connected

CSV, NDJSON = "text/csv", "application/x-ndjson"


@pytest.fixture
def path(demo: Demo) -> str:
    return f"projects/{demo.project_id}/devices/import"


@pytest.fixture
def devices(demo: Demo) -> str:
    return f"projects/{demo.project_id}/devices"


def ndjson(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def outcomes(answer: httpx.Response) -> list[str]:
    return [row["outcome"] for row in read(answer)["rows"]]


async def names(admin: Caller, devices: str) -> list[str]:
    return [device["name"] for device in await all_pages(admin, devices) if device["name"] != "Test Device"]


async def test_rows_of_csv_become_devices(admin: Caller, path: str, devices: str) -> None:
    table = (
        "name,labels.site,hardware_fingerprint,labels.rack\r\n"
        'Pump 1,"berlin",SN-1,3\r\n'
        "\r\n"
        '"Pump ""2""",,,\r\n'
        "Pump 3\r\n"
    )

    answer = read(await admin.upload(path, table, CSV))

    assert {key: value for key, value in answer.items() if key != "rows"} == {
        "dry_run": False,
        "created_count": 3,
        "known_count": 0,
        "refused_count": 0,
    }
    found = {one["name"]: one for one in await all_pages(admin, devices)}
    assert found["Pump 1"]["labels"] == {"site": "berlin", "rack": "3"}
    assert found["Pump 1"]["hardware_fingerprint"] == "SN-1"
    assert (found['Pump "2"']["labels"], found['Pump "2"']["hardware_fingerprint"]) == ({}, None)
    assert [(row["row"], row["name"], row["device_id"]) for row in answer["rows"]] == [
        (number, name, found[name]["id"]) for number, name in enumerate(("Pump 1", 'Pump "2"', "Pump 3"), start=1)
    ]


async def test_rows_of_ndjson_become_devices(admin: Caller, path: str, devices: str) -> None:
    table = ndjson({"name": "Pump 1", "labels": {"site": "berlin"}}, {"name": "Pump 2"})

    assert outcomes(await admin.upload(path, table, NDJSON)) == ["created", "created"]
    assert await names(admin, devices) == ["Pump 1", "Pump 2"]


async def test_the_second_time_everything_is_known_and_left_as_it_is(admin: Caller, path: str, devices: str) -> None:
    first = read(await admin.upload(path, ndjson({"name": "Pump 1"}, {"name": "Pump 2"}), NDJSON))
    read(await admin.patch(f"devices/{first['rows'][0]['device_id']}", {"labels": {"site": "oslo"}}))

    second = read(await admin.upload(path, ndjson({"name": "Pump 1"}, {"name": "Pump 2"}), NDJSON))

    assert [row["outcome"] for row in second["rows"]] == ["known", "known"]
    assert [row["device_id"] for row in second["rows"]] == [row["device_id"] for row in first["rows"]]
    assert read(await admin.get(devices, labels="site=oslo"))["items"][0]["name"] == "Pump 1"


async def test_a_dry_run_says_the_same_and_does_nothing(admin: Caller, path: str, devices: str) -> None:
    made(await admin.post(devices, {"name": "Pump 1", "hardware_fingerprint": "SN-1"}))
    table = ndjson(
        {"name": "Pump 1"},
        {"name": "Pump 2"},
        {"name": "Pump 2"},
        {"name": "Pump 3", "hardware_fingerprint": "SN-1"},
        {"name": ""},
    )

    dry = await admin.upload(path, table, NDJSON, dry_run="true")

    assert outcomes(dry) == ["known", "created", "known", "refused", "refused"]
    assert read(dry)["rows"][1]["device_id"] is None
    assert await names(admin, devices) == ["Pump 1"]
    assert outcomes(await admin.upload(path, table, NDJSON)) == outcomes(dry)
    assert await names(admin, devices) == ["Pump 1", "Pump 2"]


async def test_rows_that_are_refused_say_why_and_stop_no_others(admin: Caller, path: str, devices: str) -> None:
    table = """{"name": "Pump 1"}
        {"name": "Pump 2"
        {"name": "a\\nb", "x": 1}
        []
        {"name": "Pump 3", "labels": {"a": 1}}
        {"name": "Pump 4"}"""

    rows = read(await admin.upload(path, table, NDJSON))["rows"]

    assert [row["outcome"] for row in rows] == ["created", "refused", "refused", "refused", "refused", "created"]
    assert [[(error["pointer"], error["code"]) for error in row["errors"]] for row in rows] == [
        [],
        [("", "malformed")],
        [("/name", "forbidden_characters"), ("/x", "unknown_field")],
        [("", "wrong_type")],
        [("/labels/a", "wrong_type")],
        [],
    ]
    assert await names(admin, devices) == ["Pump 1", "Pump 4"]


async def test_a_row_that_is_wrong_all_over_does_not_swell_the_answer(admin: Caller, path: str) -> None:
    (row,) = read(await admin.upload(path, json.dumps({f"x{number}": 1 for number in range(99)}), NDJSON))["rows"]

    assert len(row["errors"]) == MAX_ROW_ERRORS


async def test_a_row_that_is_longer_than_a_body_is_refused_unread(admin: Caller, path: str) -> None:
    table = ndjson({"name": "Pump 1"}, {"name": "x" * MAX_ROW_LENGTH})

    rows = read(await admin.upload(path, table, NDJSON))["rows"]

    assert [row["outcome"] for row in rows] == ["created", "refused"]
    assert [error["code"] for error in rows[1]["errors"]] == ["too_long"]


async def test_after_too_many_errors_a_row_names_only_its_first(admin: Caller, path: str) -> None:
    wrong = {f"x{number}": 1 for number in range(MAX_ROW_ERRORS)}

    rows = read(await admin.upload(path, ndjson(*[wrong] * (MAX_TABLE_ERRORS // MAX_ROW_ERRORS + 1)), NDJSON))["rows"]

    assert [len(row["errors"]) for row in rows] == [*[MAX_ROW_ERRORS] * (len(rows) - 1), 1]


async def test_a_project_imports_few_tables_at_once(admin: Caller, path: str, http: httpx.AsyncClient) -> None:
    async with AsyncExitStack() as waiting:
        for _ in range(MAX_IMPORTS_OF_A_PROJECT):
            client = await waiting.enter_async_context(connected(http))
            await client.send(unsent_table(http, f"/v1/{path}", admin))
            assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        refused = await admin.upload(path, ndjson({"name": "Pump 1"}), NDJSON)

    assert refusal(refused) == (503, "unavailable")


def unsent_table(http: httpx.AsyncClient, path: str, admin: Caller) -> bytes:
    """The head of an import whose client waits to be asked for the table."""
    headers = {"Content-Type": NDJSON, "Content-Length": "9", "Expect": "100-continue"}
    request = http.build_request("POST", path, headers=headers)
    assert isinstance(admin.auth, tuple)
    request = next(httpx.BasicAuth(*admin.auth).auth_flow(request))
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_a_row_of_csv_that_is_none_is_refused(admin: Caller, path: str) -> None:
    table = 'name,labels.a\nPump 1,x,y\n"Pump 2,x\n,x\nPump 3,"a,b"\n'

    rows = read(await admin.upload(path, table, CSV))["rows"]

    assert [[(error["pointer"], error["code"]) for error in row["errors"]] for row in rows] == [
        [("", "malformed")],
        [("", "malformed")],
        [("/name", "missing")],
        [("/labels", "forbidden_characters")],
    ]


async def test_hardware_that_belongs_to_another_device_is_refused(admin: Caller, path: str, devices: str) -> None:
    made(await admin.post(devices, {"name": "Pump 1", "hardware_fingerprint": "SN-1"}))
    table = ndjson(
        {"name": "Pump 2", "hardware_fingerprint": "SN-1"},
        {"name": "Pump 3", "hardware_fingerprint": "SN-3"},
        {"name": "Pump 4", "hardware_fingerprint": "SN-3"},
    )

    rows = read(await admin.upload(path, table, NDJSON))["rows"]

    assert [row["outcome"] for row in rows] == ["refused", "created", "refused"]
    assert rows[0]["errors"][0]["code"] == "taken"
    assert "Pump 1" in rows[0]["errors"][0]["detail"]


async def test_a_large_table_is_stored_whole(admin: Caller, path: str, devices: str) -> None:
    table = ndjson(*({"name": f"d{number:04}"} for number in range(1200)))

    answer = read(await admin.upload(path, table, NDJSON))

    assert answer["created_count"] == 1200
    assert await names(admin, devices) == [f"d{number:04}" for number in range(1200)]


async def test_two_imports_of_one_table_at_once_make_each_device_once(admin: Caller, path: str, devices: str) -> None:
    table = ndjson(*({"name": f"d{number:02}"} for number in range(50)))

    answers = await asyncio.gather(*(admin.upload(path, table, NDJSON) for _ in range(3)))

    assert sum(read(answer)["created_count"] for answer in answers) == 50
    assert await names(admin, devices) == [f"d{number:02}" for number in range(50)]


async def test_too_many_rows_are_422_and_none_is_stored(admin: Caller, path: str, devices: str) -> None:
    rows = "".join(f"d{number}\n" for number in range(MAX_ROWS + 1))

    assert wrong_fields(await admin.upload(path, "name\n" + rows, CSV)) == [("", "too_long")]
    assert await names(admin, devices) == []


async def test_a_table_that_is_too_large_is_413(admin: Caller, path: str) -> None:
    answer = await admin.upload(path, b"name\n" + b"x" * MAX_ROWS_BYTES, CSV)

    assert refusal(answer) == (413, "payload_too_large")
    assert str(MAX_ROWS_BYTES) in answer.json()["detail"]


@pytest.mark.parametrize(
    "header", ["", "label", "name,name", "name,site", "name,labels.a,labels.a", 'name,"', "name,labels", "\x00"]
)
async def test_a_header_that_is_none_is_400(admin: Caller, path: str, devices: str, header: str) -> None:
    assert refusal(await admin.upload(path, f"{header}\nPump 1,x,y\n", CSV)) == (400, "malformed_request")
    assert await names(admin, devices) == []


@pytest.mark.parametrize("content", [b"name\n\xff\n", b"name\n\xed\xa0\x80\n"])
async def test_bytes_that_are_not_utf_8_are_400(admin: Caller, path: str, content: bytes) -> None:
    assert refusal(await admin.upload(path, content, CSV)) == (400, "malformed_request")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/csv; charset=latin-1", ""])
async def test_another_content_type_is_415(admin: Caller, path: str, content_type: str) -> None:
    assert refusal(await admin.upload(path, "name\nx\n", content_type)) == (415, "unsupported_media_type")


async def test_a_byte_order_mark_is_no_part_of_the_header(admin: Caller, path: str, devices: str) -> None:
    assert outcomes(await admin.upload(path, "\ufeffname\nPump 1\n", CSV)) == ["created"]
    assert await names(admin, devices) == ["Pump 1"]


@pytest.mark.parametrize("dry_run", ["yes", "1", "True", ""])
async def test_a_dry_run_is_true_or_false(admin: Caller, path: str, dry_run: str) -> None:
    assert wrong_fields(await admin.upload(path, "name\n", CSV, dry_run=dry_run)) == [("/dry_run", "wrong_type")]


@pytest.mark.parametrize("content", ["", "\n\n"])
async def test_an_empty_table_does_nothing(admin: Caller, path: str, content: str) -> None:
    assert outcomes(await admin.upload(path, content, NDJSON)) == []
    assert outcomes(await admin.upload(path, "name" + content, CSV)) == []


async def test_a_row_whose_fingerprint_is_a_makers_filler_is_refused(admin: Caller, path: str) -> None:
    table = "name,hardware_fingerprint\nPump 1,Default string\nPump 2,SN-1\n"

    answer = await admin.upload(path, table, CSV)

    assert outcomes(answer) == ["refused", "created"]
    assert read(answer)["rows"][0]["errors"][0]["pointer"].endswith("/hardware_fingerprint")
