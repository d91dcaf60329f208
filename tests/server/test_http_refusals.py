"""Bad requests over plain HTTP: each gets its right status and a problem document, and writes nothing."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from typing import Any

import httpx
import psycopg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from firmtrail_server.app import MAX_BODY_BYTES, create_app
from firmtrail_server.http.protocol import ProblemRunner
from firmtrail_server.settings import Settings
from tests.server.conftest import Clock, Demo

GOOD = {"version": "1.0"}


@pytest.fixture
def rows_written(database_url: str, demo: Demo) -> Any:
    def count() -> int:
        with psycopg.connect(database_url, autocommit=True) as conn:
            row = conn.execute(
                "select (select count(*) from device_firmware) + (select count(*) from device_firmware_periods)"
            ).fetchone()
        assert row is not None
        return row[0]

    return count


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def errors(answer: httpx.Response) -> list[tuple[str, str, str]]:
    problem = assert_problem(answer, 422, "invalid_request")
    return [(error["location"], error["pointer"], error["code"]) for error in problem["errors"]]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_wrong_secret_is_401(http: httpx.AsyncClient, demo: Demo, other: Demo, rows_written: Any) -> None:
    answer = await http.post(demo.path, auth=(demo.device_key[0], other.device_key[1]), json=GOOD)

    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert rows_written() == 0


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        basic("no-uuid", "x"),
        basic("00000000-0000-4000-8000-000000000000", "x" * 200),
        basic("00000000-0000-4000-8000-000000000000", ""),
        basic("00000000-0000-4000-8000-000000000000", "ftd_\x00"),
        "Bearer",
        "Bearer abc",
        "Digest username=x",
    ],
)
async def test_credentials_that_are_none_are_401(http: httpx.AsyncClient, demo: Demo, header: str) -> None:
    answer = await http.post(demo.path, headers={"Authorization": header} if header else {}, json=GOOD)

    assert_problem(answer, 401, "unauthenticated")


async def test_an_unknown_key_id_is_401_like_a_wrong_secret(http: httpx.AsyncClient, demo: Demo) -> None:
    unknown = await http.post(demo.path, auth=("00000000-0000-4000-8000-000000000000", demo.device_key[1]), json=GOOD)
    wrong = await http.post(demo.path, auth=(demo.project_key[0], demo.device_key[1]), json=GOOD)

    assert_problem(unknown, 401, "unauthenticated")
    assert unknown.json()["detail"] == assert_problem(wrong, 401, "unauthenticated")["detail"]


async def test_an_expired_key_is_401(
    http: httpx.AsyncClient, demo: Demo, clock: Clock, database_url: str, rows_written: Any
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("update api_keys set expires_at = %s", [clock.moment])

    assert_problem(await http.post(demo.path, auth=demo.device_key, json=GOOD), 401, "unauthenticated")
    assert rows_written() == 0


async def test_a_deleted_key_is_401_at_the_next_request(
    http: httpx.AsyncClient, demo: Demo, database_url: str, rows_written: Any
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("delete from api_keys where id = %s", [demo.device_key[0]])

    assert_problem(await http.post(demo.path, auth=demo.device_key, json=GOOD), 401, "unauthenticated")
    assert rows_written() == 0


async def test_a_devices_key_finds_no_other_device(
    http: httpx.AsyncClient, demo: Demo, other: Demo, rows_written: Any
) -> None:
    assert_problem(await http.post(other.path, auth=demo.device_key, json=GOOD), 404, "not_found")
    assert rows_written() == 0


async def test_a_project_key_finds_no_device_of_another_project(
    http: httpx.AsyncClient, demo: Demo, other: Demo
) -> None:
    assert_problem(await http.get(other.path, auth=demo.project_key), 404, "not_found")


async def test_a_device_key_may_not_read_the_history(http: httpx.AsyncClient, demo: Demo) -> None:
    assert_problem(await http.get(demo.path, auth=demo.device_key), 403, "forbidden")


async def test_a_project_key_may_not_report(http: httpx.AsyncClient, demo: Demo, rows_written: Any) -> None:
    assert_problem(await http.post(demo.path, auth=demo.project_key, json=GOOD), 403, "forbidden")
    assert rows_written() == 0


@pytest.mark.parametrize("device_id", ["nope", "123", "%00", "%F0%9F%9A%80"])
async def test_a_malformed_device_id_is_named(http: httpx.AsyncClient, demo: Demo, device_id: str) -> None:
    answer = await http.get(f"/v1/devices/{device_id}/firmware_version", auth=demo.project_key)

    assert errors(answer) == [("path", "/device_id", "malformed")]


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
        ({"version": "1", "observed_at": 1780000000}, [("/observed_at", "wrong_type")]),
        ({"version": "1", "Version": "2"}, [("/Version", "unknown_field")]),
        ({"version": "1", "a/b~": 1}, [("/a~1b~0", "unknown_field")]),
        ([], [("", "wrong_type")]),
        ("1.0", [("", "wrong_type")]),
        (None, [("", "wrong_type")]),
    ],
)
async def test_a_bad_body_is_422_and_names_the_field(
    http: httpx.AsyncClient, demo: Demo, rows_written: Any, body: object, expected: list[tuple[str, str]]
) -> None:
    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )

    assert errors(answer) == [("body", pointer, code) for pointer, code in expected]
    assert rows_written() == 0


async def test_all_bad_fields_are_named_at_once(http: httpx.AsyncClient, demo: Demo, rows_written: Any) -> None:
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
    ("query", "pointer", "code"),
    [
        ("page_size=0", "/page_size", "out_of_range"),
        ("page_size=-1", "/page_size", "out_of_range"),
        ("page_size=1001", "/page_size", "out_of_range"),
        ("page_size=999999999999999999999", "/page_size", "wrong_type"),
        ("page_size=1.5", "/page_size", "wrong_type"),
        ("page_size=", "/page_size", "wrong_type"),
        ("page_size=%D9%A1", "/page_size", "wrong_type"),
        ("page_size=1&page_size=2", "/page_size", "malformed"),
        ("page_token=", "/page_token", "too_short"),
        ("page_token=x", "/page_token", "malformed"),
        ("page_token=e30=", "/page_token", "malformed"),
        ("page_token=%F0%9F%9A%80", "/page_token", "malformed"),
        ("page_token=" + "A" * 600, "/page_token", "too_long"),
        ("limit=3", "/limit", "unknown_field"),
    ],
)
async def test_a_bad_query_is_422_and_names_the_parameter(
    http: httpx.AsyncClient, demo: Demo, query: str, pointer: str, code: str
) -> None:
    answer = await http.get(f"{demo.path}?{query}", auth=demo.project_key)

    assert ("query", pointer, code) in errors(answer)


@pytest.mark.parametrize(
    "change", [{"component": "\u0000"}, {"tie_rank": 2**70}, {"first_reported_at": "soon"}, {"more": 1}]
)
async def test_a_forged_page_token_is_422(http: httpx.AsyncClient, demo: Demo, change: dict[str, object]) -> None:
    moment = "2026-05-03T12:00:00Z"
    forged = {"first_reported_at": moment, "component": "main", "tie_rank": 0} | change
    token = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()

    answer = await http.get(demo.path, auth=demo.project_key, params={"page_token": token})

    assert errors(answer) == [("query", "/page_token", "malformed")]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"version": "1"} x', b"\xff", b'{"version": NaN}', b'{"version": "\\ud800"}', b"[" * 60_000],
)
async def test_a_body_that_is_not_json_is_400(
    http: httpx.AsyncClient, demo: Demo, rows_written: Any, body: bytes
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
    http: httpx.AsyncClient, demo: Demo, rows_written: Any, header: str | None
) -> None:
    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=b'{"version": "1"}',
        headers={"Content-Type": header} if header else {},
    )

    assert_problem(answer, 415, "unsupported_media_type")
    assert rows_written() == 0


async def test_a_body_that_is_too_large_is_413(http: httpx.AsyncClient, demo: Demo, rows_written: Any) -> None:
    answer = await http.post(demo.path, auth=demo.device_key, json={"version": "x" * MAX_BODY_BYTES})

    assert_problem(answer, 413, "payload_too_large")
    assert rows_written() == 0


async def test_a_small_body_that_unpacks_to_a_large_one_is_413(http: httpx.AsyncClient, demo: Demo) -> None:
    packed = gzip.compress(json.dumps({"version": "x" * 10_000_000}).encode())

    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=packed,
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert_problem(answer, 413, "payload_too_large")


async def test_a_body_that_is_not_packed_as_it_says_is_400(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(
        demo.path,
        auth=demo.device_key,
        content=b'{"version": "1"}',
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert_problem(answer, 400, "malformed_request")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_wrong_method_is_405_and_says_which_are_right(http: httpx.AsyncClient, demo: Demo, method: str) -> None:
    answer = await http.request(method, demo.path, auth=demo.device_key)

    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/devices", "/v2/seed", "/v1/seed/", "/../etc/passwd", "/%2e%2e/x"])
async def test_an_unknown_path_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert_problem(await http.get(path), 404, "not_found")


@pytest.mark.parametrize(
    "request_line",
    [b"GET / HTTP/9.9 ", b"BREW / HTTP/1.1", b"\x16\x03\x01\x02", b"GET /" + b"x" * 20_000 + b" HTTP/1.1"],
)
async def test_bytes_that_are_not_http_are_answered_with_a_problem(
    settings: Settings, database_url: str, request_line: bytes
) -> None:
    runner = ProblemRunner(create_app(settings, database_url))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    writer.write(request_line + b"\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await runner.cleanup()

    assert answer.split(b" ", 2)[1] == b"400"
    assert b"application/problem+json" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"


async def test_seed_is_404_unless_the_operator_allows_it(database_url: str) -> None:
    async with (
        TestServer(create_app(Settings(), database_url)) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/"))) as http,
    ):
        assert_problem(await http.post("/v1/seed"), 404, "not_found")


async def test_seed_takes_no_parameters(http: httpx.AsyncClient) -> None:
    assert errors(await http.post("/v1/seed?name=x")) == [("query", "/name", "unknown_field")]


async def test_a_request_id_of_the_client_is_kept_and_a_strange_one_replaced(http: httpx.AsyncClient) -> None:
    kept = await http.get("/healthz", headers={"X-Request-Id": "trace-7"})
    replaced = await http.get("/healthz", headers={"X-Request-Id": "a b<script>"})

    assert kept.headers["X-Request-Id"] == "trace-7"
    assert replaced.headers["X-Request-Id"] != "a b<script>"


async def test_no_answer_or_log_holds_a_secret(
    http: httpx.AsyncClient, demo: Demo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answers = [
        await http.post(demo.path, auth=(demo.project_key[0], demo.device_key[1]), json=GOOD),
        await http.get(demo.path, auth=demo.device_key),
        await http.post(demo.path, auth=demo.device_key, json={"version": 1}),
    ]

    texts = [answer.text for answer in answers] + [caplog.text]
    assert not any(key[1][4:] in text for text in texts for key in (demo.device_key, demo.project_key))
