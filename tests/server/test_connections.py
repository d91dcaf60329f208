"""A connection: bodies that come in parts, requests that come at once, and what is no request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

import attrs
import httpx
import pytest

from firmtrail_server.http import connection
from tests.served import Server
from tests.server.conftest import Demo

_HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_FORM = b"grant_type=none"
_HEAD = b"POST /v1/oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
_CHUNKED = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@attrs.frozen
class Client:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send each part by itself."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.01)

    async def status(self) -> int:
        """Read one answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.strip().split(b"\r\n")[1:])
        await self.reader.readexactly(int(fields.get(b"content-length", 0)))
        return int(head.split(b" ", 2)[1])

    async def rest(self) -> bytes:
        """Read all that comes until the server closes."""
        async with asyncio.timeout(5):
            return await self.reader.read()


@asynccontextmanager
async def connected(server: Server) -> AsyncGenerator[Client]:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def whole(form: bytes) -> bytes:
    return _HEAD + b"Content-Length: %d\r\n\r\n" % len(form) + form


async def test_bodies_that_came_after_their_heads_take_no_place_from_later_requests(server: Server) -> None:
    async with connected(server) as client:
        for _ in range(20):
            await client.send(_HEAD + b"Content-Length: %d\r\n\r\n" % len(_FORM), _FORM)
            assert await client.status() == 400
        await client.send(_HEALTHZ * 60)

        assert [await client.status() for _ in range(60)] == [200] * 60


@pytest.mark.parametrize("parts", [[b"grant_", b"type=none"], [b"g", b"", b"rant_type=none"]])
async def test_a_body_in_parts_is_read_whole(server: Server, parts: Iterable[bytes]) -> None:
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part]
    async with connected(server) as client:
        await client.send(_CHUNKED, *chunks, b"0\r\n\r\n")
        await client.send(_HEALTHZ)

        assert [await client.status(), await client.status()] == [400, 200]


async def test_what_follows_a_body_that_nobody_reads_is_answered(server: Server, demo: Demo) -> None:
    refused = f"POST {demo.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n".encode()
    async with connected(server) as client:
        await client.send(refused)
        assert await client.status() == 401
        await client.send(b"x" * 600_000 + _HEALTHZ)

        assert await client.status() == 200


async def test_a_body_that_is_damaged_is_refused_at_once_and_ends_the_connection(server: Server) -> None:
    async with connected(server) as client:
        await client.send(_CHUNKED, b"no chunk\r\n" + _HEALTHZ)
        answer = await client.rest()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: x\n\n",
        b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
async def test_a_head_that_a_proxy_may_read_otherwise_is_refused_and_ends_the_connection(
    server: Server, head: bytes
) -> None:
    async with connected(server) as client:
        await client.send(head)
        answer = await client.rest()

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "malformed_request"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b"200"),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", b"404"),
    ],
)
async def test_after_another_protocol_was_asked_for_nothing_is_taken_for_a_request(
    server: Server, head: bytes, status: bytes
) -> None:
    async with connected(server) as client:
        await client.send(head + _HEALTHZ)
        answer = await client.rest()

    assert answer.split(b" ", 2)[1] == status
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_client_that_sends_no_more_gets_all_answers(server: Server) -> None:
    async with connected(server) as client:
        await client.send(_HEALTHZ + whole(_FORM) + _HEALTHZ)
        client.writer.write_eof()
        answers = await client.rest()

    assert [one[:3] for one in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400", b"200"]


async def test_an_address_in_the_request_line_is_not_taken_for_the_path(
    server: Server, http: httpx.AsyncClient
) -> None:
    async with connected(server) as client:
        await client.send(b"GET http://elsewhere.example/healthz?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await client.rest()

    assert answer.split(b" ", 2)[1] == str((await http.get("/healthz?x")).status_code).encode()


class Full(asyncio.Transport):
    """To a client that does not read what was sent last."""

    def __init__(self) -> None:
        super().__init__()
        self.sent, self.is_aborted, self._is_closing = b"", asyncio.Event(), False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True

    def get_write_buffer_size(self) -> int:
        return len(self.sent)

    def abort(self) -> None:
        self.is_aborted.set()


async def test_a_client_that_does_not_read_its_last_answer_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READING_SECONDS", 0.05)
    transport, of_client = Full(), connection.Connection(server.app.dispatcher, set(), 75)
    of_client.connection_made(transport)
    of_client.data_received(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    async with asyncio.timeout(5):
        await transport.is_aborted.wait()
    assert transport.sent.startswith(b"HTTP/1.1 200 ")
