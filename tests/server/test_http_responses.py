"""What goes over the wire around an answer: its connection, its length, its date."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from email.utils import parsedate_to_datetime

import httpx
import pytest

from firmtrail_contract import VersionPeriod, strict_converter
from firmtrail_server.http.responses import Response, json_response
from tests.served import Server
from tests.server.conftest import Demo


async def exchange(server: Server, sent: str) -> bytes:
    """Send bytes; return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(sent.replace("\n", "\r\n").encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_connection_stays_open_until_the_client_wants_it_closed(server: Server) -> None:
    answers = await exchange(
        server, "GET /healthz HTTP/1.1\nHost: x\n\n" * 2 + "GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n"
    )

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.count(b"Connection: close") == 1


async def test_more_requests_than_are_read_ahead_are_all_answered(server: Server) -> None:
    form = "grant_type=none&padding=" + "x" * 5_000
    head = f"POST /v1/oauth/token HTTP/1.1\nHost: x\nContent-Length: {len(form)}\n"
    kind = "Content-Type: application/x-www-form-urlencoded\n"

    answers = await exchange(server, f"{head}{kind}\n{form}" * 99 + f"{head}{kind}Connection: close\n\n{form}")

    assert answers.count(b"HTTP/1.1 400 Bad Request\r\n") == 100


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /healthz",
        "HEAD /docs",
        "GET /openapi.json",
        "GET /nothing",
        "POST /v1/oauth/token",
        "no request",
        "GET /v1",
    ],
)
async def test_no_answer_is_taken_for_another_type_of_content(server: Server, request_line: str) -> None:
    answer = await exchange(server, f"{request_line} HTTP/1.1\nHost: x\nConnection: close\n\n")

    assert answer.count(b"\r\nX-Content-Type-Options: nosniff\r\n") == 1


async def test_a_page_is_shown_in_no_frame_and_sends_no_referrer(http: httpx.AsyncClient) -> None:
    page, other = await http.get("/docs"), await http.get("/openapi.json")

    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "Content-Security-Policy" not in other.headers


async def test_a_client_of_http_1_0_is_told_whether_its_connection_stays_open(server: Server) -> None:
    kept = "GET /healthz HTTP/1.0\nConnection: keep-alive\n\n"
    answers = await exchange(server, kept + "GET /healthz HTTP/1.0\n\n")

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answers.index(b"Connection: keep-alive") < answers.index(b"Connection: close")


async def test_a_chunked_body_of_http_1_0_ends_its_connection(server: Server, demo: Demo) -> None:
    kept = "Connection: keep-alive\n"
    chunked = f"POST {demo.path} HTTP/1.0\nTransfer-Encoding: chunked\n{kept}\n1\n{{\n0\n\n"

    answers = await exchange(server, f"{chunked}GET /healthz HTTP/1.0\n{kept}\n")

    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith(b"HTTP/1.1 401 ")
    assert b"Connection: close\r\n" in answers


async def test_head_is_answered_as_get_is_without_the_body(http: httpx.AsyncClient) -> None:
    got, head = await http.get("/openapi.json"), await http.head("/openapi.json")

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(got.content)


async def test_an_answer_without_content_has_no_length(http: httpx.AsyncClient, demo: Demo) -> None:
    path = f"/v1/devices/{demo.device_id}/api_keys/{demo.device_key[0]}"

    answer = await http.delete(path, auth=demo.project_key)

    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer.headers


async def test_a_client_that_waits_to_be_asked_for_the_body_is_asked(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        b"POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n"
    )
    async with asyncio.timeout(10):
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"grant_type=x")
        answer = await reader.read()
    writer.close()

    assert asked == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b"unsupported_grant_type" in answer


async def test_a_client_of_http_1_0_is_not_asked_for_the_body(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        b"POST /v1/oauth/token HTTP/1.0\r\nExpect: 100-continue\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n"
    )
    async with asyncio.timeout(10):
        await exchange(server, "GET /healthz HTTP/1.0\n\n")  # the head is read by now
        writer.write(b"grant_type=x")
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"unsupported_grant_type" in answer


async def test_a_client_that_is_refused_is_not_asked_for_the_body(server: Server, demo: Demo) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        f"POST {demo.path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        "Content-Type: application/json\r\nContent-Length: 12\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        answer = await reader.readline()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_an_answer_is_dated(http: httpx.AsyncClient) -> None:
    assert parsedate_to_datetime((await http.get("/healthz")).headers["Date"]).tzinfo is not None


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_a_header_cannot_become_several(value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        Response(200, "", headers={"Location": value}).head("1")


@pytest.mark.parametrize("microsecond", [0, 1, 120_000])
@pytest.mark.parametrize("hours", [0, 2])
def test_a_moment_is_in_utc_and_has_its_microseconds(microsecond: int, hours: int) -> None:
    moment = dt.datetime(2026, 5, 3, 12, 0, 0, microsecond, dt.timezone(dt.timedelta(hours=hours)))
    period = VersionPeriod(
        id=uuid.UUID(int=1),
        component="main",
        version="1",
        first_reported_at=moment,
        last_reported_at=moment,
        report_count=1,
        superseded_at=None,
        recorded_at=moment,
    )

    assert json.loads(json_response(period, 200).body) == strict_converter().unstructure(period)
