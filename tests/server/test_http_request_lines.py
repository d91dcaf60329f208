"""Bad request lines over plain HTTP: methods, paths, queries, and bytes that are none of these."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator

import httpx
import pytest

from firmtrail_contract.problems import MAX_ERRORS
from firmtrail_server.app import create_app
from firmtrail_server.settings import Settings
from tests.served import serving
from tests.server.conftest import Demo
from tests.server.refusals import assert_problem, errors


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_wrong_method_is_405_and_says_which_are_right(http: httpx.AsyncClient, demo: Demo, method: str) -> None:
    answer = await http.request(method, demo.path, auth=demo.device_key)

    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/devices", "/v2/seed", "/v1/seed/", "/../etc/passwd", "/%2e%2e/x"])
async def test_an_unknown_path_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert_problem(await http.get(path), 404, "not_found")


@pytest.mark.parametrize("device_id", ["nope", "123", "%00", "%F0%9F%9A%80", "x" * 2000])
async def test_a_malformed_device_id_is_named_each_time(http: httpx.AsyncClient, demo: Demo, device_id: str) -> None:
    for _ in range(2):
        answer = await http.get(f"/v1/devices/{device_id}/firmware_version", auth=demo.project_key)

        assert errors(answer) == [("path", "/device_id", "malformed")]


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
        ("page_token=" + "A" * 2049, "/page_token", "too_long"),
        ("limit=3", "/limit", "unknown_field"),
    ],
)
async def test_a_bad_query_is_422_and_names_the_parameter(
    http: httpx.AsyncClient, demo: Demo, query: str, pointer: str, code: str
) -> None:
    answer = await http.get(f"{demo.path}?{query}", auth=demo.project_key)

    assert ("query", pointer, code) in errors(answer)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/devices/{}/firmware_version"), ("POST", "/v1/seed")], ids=["taken", "not taken"]
)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_of_too_many_bad_parameters_the_first_are_named(
    http: httpx.AsyncClient, demo: Demo, method: str, path: str, times: int
) -> None:
    query = "&".join(f"p{number}=1" for number in range(500))

    answer = await http.request(
        method, f"{path.format(demo.device_id)}?{'&'.join([query] * times)}", auth=demo.project_key
    )

    found = errors(answer)
    assert len(found) == MAX_ERRORS
    assert found[0] == ("query", "/p0", "unknown_field" if times == 1 else "malformed")


@pytest.mark.parametrize(
    "change", [{"component": "\u0000"}, {"tie_rank": 2**70}, {"first_reported_at": "soon"}, {"more": 1}]
)
async def test_a_forged_page_token_is_422(http: httpx.AsyncClient, demo: Demo, change: dict[str, object]) -> None:
    moment = "2026-05-03T12:00:00Z"
    forged = {"first_reported_at": moment, "component": "main", "tie_rank": 0} | change
    token = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode()

    answer = await http.get(demo.path, auth=demo.project_key, params={"page_token": token})

    assert errors(answer) == [("query", "/page_token", "malformed")]


async def test_seed_takes_no_parameters(http: httpx.AsyncClient) -> None:
    assert errors(await http.post("/v1/seed?name=x")) == [("query", "/name", "unknown_field")]


@pytest.fixture
async def address(settings: Settings, database_url: str) -> AsyncGenerator[tuple[str, int]]:
    """Where a server listens that runs as `firmtrail-server serve` runs it."""
    async with serving(create_app(settings, database_url)) as server:
        yield server.host, server.port


@pytest.mark.parametrize(
    "request_line",
    [b"GET / HTTP/9.9 ", b"BREW / HTTP/1.1", b"\x16\x03\x01\x02", b"GET /" + b"x" * 40_000 + b" HTTP/1.1"],
)
async def test_bytes_that_are_not_http_are_answered_with_a_problem(
    address: tuple[str, int], request_line: bytes
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request_line + b"\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.split(b" ", 2)[1] == b"400"
    assert b"application/problem+json" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"


async def test_the_longest_filters_that_are_allowed_fit_into_a_request_line(
    address: tuple[str, int], http: httpx.AsyncClient, demo: Demo
) -> None:
    rare = "\U0001d322"  # four bytes, each of which is escaped
    query = {"labels": "site=" + rare * 1019, "name": rare * 200, "version": rare * 128, "component": "c" * 64}

    url = f"http://{address[0]}:{address[1]}/v1/projects/{demo.project_id}/devices"
    answer = await http.get(url, params=query, auth=demo.project_key)

    assert answer.status_code == 200, answer.text


_GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
_POST = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_LINE = b"X: " + b"x" * 8_000 + b"\r\n"


@pytest.mark.parametrize(
    ("begun", "line", "end"),
    [
        (_GET, _LINE, b"\r\n"),
        (_POST + b"0\r\n", _LINE, b"\r\n"),
        (_POST + b"2;", b"x" * 8_000, b"\r\n{}\r\n0\r\n\r\n"),
    ],
    ids=["head", "trailer", "chunk extension"],
)
async def test_a_head_of_too_many_bytes_is_given_up(
    address: tuple[str, int], begun: bytes, line: bytes, end: bytes
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    answer = b""
    try:
        writer.write(begun)
        for _ in range(60):  # each is short enough, and they are not too many
            writer.write(line)
            await writer.drain()
        writer.write(end)
        answer = await reader.read(1)
    except ConnectionError:
        pass
    writer.close()

    assert answer == b""


async def test_heads_of_one_connection_are_not_added_up(http: httpx.AsyncClient) -> None:
    for _ in range(20):
        assert (await http.get("/healthz", headers={"X-Long": "x" * 8_000})).status_code == 200


async def test_a_body_in_small_chunks_is_no_head(http: httpx.AsyncClient, demo: Demo) -> None:
    async def rows() -> AsyncGenerator[bytes]:
        for number in range(10_000):
            yield b'{"name": "pump %d"}\n' % number

    path, kind = f"/v1/projects/{demo.project_id}/devices/import", {"Content-Type": "application/x-ndjson"}
    answer = await http.post(path, params={"dry_run": True}, content=rows(), headers=kind, auth=demo.project_key)

    assert answer.status_code == 200, answer.text
