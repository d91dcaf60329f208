"""Bad bodies over plain HTTP: each gets its right status and a problem document, and writes nothing."""

from __future__ import annotations

import json

import httpx
import pytest

from firmtrail_contract.problems import MAX_ERRORS
from firmtrail_server.http.requests import MAX_BODY_BYTES
from tests.server.conftest import Demo, RowsWritten
from tests.server.refusals import assert_problem, errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/version", "missing")]),
        ({"version": ""}, [("/version", "too_short")]),
        ({"version": "x" * 129}, [("/version", "too_long")]),
        ({"version": "1\n2"}, [("/version", "forbidden_characters")]),
        ({"version": "1\n"}, [("/version", "forbidden_characters")]),
        ({"version": "\u0000"}, [("/version", "forbidden_characters")]),
        ({"version": "1\u202e2"}, [("/version", "forbidden_characters")]),
        ({"version": None}, [("/version", "wrong_type")]),
        ({"version": 1.2}, [("/version", "wrong_type")]),
        ({"version": True}, [("/version", "wrong_type")]),
        ({"version": ["1"]}, [("/version", "wrong_type")]),
        ({"version": {"a": 1}}, [("/version", "wrong_type")]),
        ({"version": "1", "component": ""}, [("/component", "too_short")]),
        ({"version": "1", "component": "A b"}, [("/component", "forbidden_characters")]),
        ({"version": "1", "component": None}, [("/component", "wrong_type")]),
        ({"version": "1", "observed_at": "2026-05-03"}, [("/observed_at", "malformed")]),
        ({"version": "1", "observed_at": "2026-05-03T12:00:00"}, [("/observed_at", "malformed")]),
        ({"version": "1", "observed_at": "2026-02-30T12:00:00Z"}, [("/observed_at", "malformed")]),
        ({"version": "1", "observed_at": "2026-05-03T12:00:00+00:60"}, [("/observed_at", "malformed")]),
        ({"version": "1", "observed_at": 1780000000}, [("/observed_at", "wrong_type")]),
        ({"version": "1", "Version": "2"}, [("/Version", "unknown_field")]),
        ({"version": "1", "a/b~": 1}, [("/a~1b~0", "unknown_field")]),
        ([], [("", "wrong_type")]),
        ("1.0", [("", "wrong_type")]),
        (None, [("", "wrong_type")]),
    ],
)
async def test_a_bad_body_is_422_and_names_the_field(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, body: object, expected: list[tuple[str, str]]
) -> None:
    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )

    assert errors(answer) == [("body", pointer, code) for pointer, code in expected]
    assert rows_written() == 0


async def test_all_bad_fields_are_named_at_once(http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten) -> None:
    answer = await http.post(
        "/v1/devices/nope/firmware_version?x=1",
        auth=demo.device_key,
        json={"version": 1, "component": "", "observed_at": "soon", "z": 0},
    )

    assert errors(answer) == [
        ("path", "/device_id", "malformed"),
        ("query", "/x", "unknown_field"),
        ("body", "/version", "wrong_type"),
        ("body", "/component", "too_short"),
        ("body", "/observed_at", "malformed"),
        ("body", "/z", "unknown_field"),
    ]
    assert rows_written() == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("firmware_version", {f"f{n}": 0 for n in range(5_000)}),
        ("firmware_reports", {"sent": {}, "records": [{"components": [0] * 256}] * 64, "waiting": [0] * 32}),
        ("firmware_reports", {"sent": {}, "records": [{f"f{n}": 0 for n in range(70)}] * 64}),
    ],
)
async def test_of_too_many_bad_fields_the_first_are_named_and_the_problem_says_that_there_may_be_more(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, path: str, body: object
) -> None:
    answer = await http.post(f"/v1/devices/{demo.device_id}/{path}?x=1", auth=demo.device_key, json=body)

    assert len(errors(answer)) == MAX_ERRORS
    assert errors(answer)[0] == ("query", "/x", "unknown_field")
    assert answer.json()["detail"].endswith("These are the first 100; there may be more.")
    assert rows_written() == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"version": "1"} x', b"\xff", b'{"version": NaN}', b'{"version": "\\ud800"}', b"[" * 60_000],
)
async def test_a_body_that_is_not_json_is_400(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, body: bytes
) -> None:
    answer = await http.post(
        demo.path, auth=demo.device_key, content=body, headers={"Content-Type": "application/json"}
    )

    assert_problem(answer, 400, "malformed_request")
    assert rows_written() == 0


@pytest.mark.parametrize(
    "header", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_another_content_type_is_415(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, header: str | None
) -> None:
    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=b'{"version": "1"}',
        headers={"Content-Type": header} if header else {},
    )

    assert_problem(answer, 415, "unsupported_media_type")
    assert rows_written() == 0


async def test_a_body_that_is_too_large_is_413(http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten) -> None:
    answer = await http.post(demo.path, auth=demo.device_key, json={"version": "x" * MAX_BODY_BYTES})

    assert_problem(answer, 413, "payload_too_large")
    assert rows_written() == 0
