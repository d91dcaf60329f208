"""Bytes of clients that end in the middle: none of them is an error of the server's own."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from tests.server.faults.connections import HEALTHZ, connected

_SIGN_UP = b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_TOKEN = b"POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
_POST = b"POST /healthz HTTP/1.1\r\nHost: x\r\n"
_GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
_NINE = b"Content-Length: 9\r\n\r\nx"
_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
WIRES = {
    "half a body that is read": _SIGN_UP + _NINE,
    "half a form": _TOKEN + _NINE,
    "half a body that nobody reads": _GET + _NINE,
    "half a body for another method": _POST + _NINE,
    "half a body after a whole request": HEALTHZ + _SIGN_UP + _NINE,
    "a body that is not sent after a 100": _SIGN_UP + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    "an expectation that is not known": _SIGN_UP + b"Expect: x\r\nContent-Length: 9\r\n\r\n",
    "half a chunk": _SIGN_UP + _CHUNKS + b"5\r\nab",
    "a chunk without a size": _SIGN_UP + _CHUNKS + b"1\r\n{\r\nzz\r\n",
    "a chunk without a size that nobody reads": _GET + _CHUNKS + b"2\r\nabzz\r\n",
    "half a head": _GET,
    "no HTTP": b"\x00\x01\r\n\r\n",
    "an upgrade with half a body": _GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + _NINE,
}


@pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
async def test_a_client_that_ends_in_the_middle_is_no_error_of_the_server(
    wire: bytes, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(http) as client:
        await client.send(wire)
        client.writer.write_eof()
        await client.reader.read()
    async with connected(http) as client:
        await client.send(wire)
        await http.get("/healthz")
        client.reset()
    await http.get("/healthz")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_broken_chunk_after_the_answer_is_no_error_of_the_server(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(http) as client:
        await client.send(_SIGN_UP.replace(b"application/json", b"text/plain") + _CHUNKS + b"2\r\nab\r\n")
        assert await client.status() == httpx.codes.UNSUPPORTED_MEDIA_TYPE
        await client.send(b"zz\r\n")
        rest = await client.reader.read()

    assert not rest or json.loads(rest.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
