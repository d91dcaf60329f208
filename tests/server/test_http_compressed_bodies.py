"""Bodies with a Content-Encoding over plain HTTP: what is decompressed, how far, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncGenerator, Callable

import httpx
import pytest

from firmtrail_server.http.requests import MAX_BODY_BYTES
from firmtrail_server.http.rows import CSV, MAX_ROWS_BYTES
from tests.served import Server
from tests.server.conftest import Demo, RowsWritten
from tests.server.refusals import assert_problem

REPORT = json.dumps({"version": "1.0"}).encode()
PACKED = gzip.compress(REPORT, mtime=0)


def packed_as(coding: str, kind: str = "application/json") -> dict[str, str]:
    return {"Content-Type": kind, "Content-Encoding": coding}


async def post(http: httpx.AsyncClient, demo: Demo, body: bytes, *codings: str) -> httpx.Response:
    headers = [("Content-Type", "application/json"), *(("Content-Encoding", coding) for coding in codings)]
    return await http.post(demo.path, auth=demo.device_key, content=body, headers=headers)


async def upload(http: httpx.AsyncClient, demo: Demo, body: bytes, coding: str) -> httpx.Response:
    path = f"/v1/projects/{demo.project_id}/devices/import"
    return await http.post(path, auth=demo.project_key, content=body, headers=packed_as(coding, CSV))


def spaces(count: int) -> bytes:
    """Make a body of this many bytes, nearly all of them blank."""
    return REPORT + b" " * (count - len(REPORT))


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("Identity", bytes),
        ("", bytes),
    ],
)
async def test_a_body_is_read_as_it_is_packed(
    http: httpx.AsyncClient, demo: Demo, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    answer = await post(http, demo, pack(REPORT), coding)

    assert answer.status_code == 201, answer.text
    assert answer.json()["version"] == "1.0"


async def test_a_compressed_body_may_arrive_in_pieces(http: httpx.AsyncClient, demo: Demo) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for byte in PACKED:
            yield bytes([byte])
            await asyncio.sleep(0)

    answer = await http.post(demo.path, auth=demo.device_key, content=pieces(), headers=packed_as("gzip"))

    assert answer.status_code == 201, answer.text


async def test_compressed_rows_become_devices(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await upload(http, demo, gzip.compress(b"\xef\xbb\xbfname\r\nPump 1\r\n"), "gzip")

    assert answer.json()["created_count"] == 1, answer.text


async def test_a_compressed_form_is_read(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await http.post(
        "/v1/oauth/token",
        auth=demo.device_key,
        content=zlib.compress(b"grant_type=client_credentials"),
        headers=packed_as("deflate", "application/x-www-form-urlencoded"),
    )

    assert answer.status_code == 200, answer.text


async def test_a_body_may_decompress_to_as_much_as_an_unpacked_one_may_have(
    http: httpx.AsyncClient, demo: Demo
) -> None:
    assert (await post(http, demo, gzip.compress(spaces(MAX_BODY_BYTES)), "gzip")).status_code == 201


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 10_000_000])
async def test_a_small_body_that_unpacks_to_a_large_one_is_413(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, size: int
) -> None:
    answer = await post(http, demo, gzip.compress(spaces(size)), "gzip")

    assert_problem(answer, 413, "payload_too_large")
    assert rows_written() == 0


async def test_rows_that_decompress_to_too_many_bytes_are_413(http: httpx.AsyncClient, demo: Demo) -> None:
    answer = await upload(http, demo, zlib.compress(b"name\r\n" + b"x" * MAX_ROWS_BYTES), "deflate")

    assert_problem(answer, 413, "payload_too_large")


DAMAGED = {
    "gzip not compressed": ("gzip", REPORT),
    "gzip empty": ("gzip", b""),
    "gzip cut in its head": ("gzip", PACKED[:3]),
    "gzip without its checksum": ("gzip", PACKED[:-8]),
    "gzip cut by a byte": ("gzip", PACKED[:-1]),
    "gzip with a wrong checksum": ("gzip", PACKED[:-8] + bytes(8)),
    "gzip and more": ("gzip", PACKED + b"x"),
    "gzip of two members": ("gzip", PACKED * 2),
    "gzip that is deflate": ("gzip", zlib.compress(REPORT)),
    "deflate cut by a byte": ("deflate", zlib.compress(REPORT)[:-1]),
    "deflate and more": ("deflate", zlib.compress(REPORT) + b"\0"),
    "deflate without a head": ("deflate", zlib.compress(REPORT, wbits=-15)),
    "deflate that is gzip": ("deflate", PACKED),
}


@pytest.mark.parametrize(("coding", "body"), DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_body_that_is_not_compressed_as_it_says_is_400(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, coding: str, body: bytes
) -> None:
    answer = await post(http, demo, body, coding)

    assert "not encoded as its headers say" in assert_problem(answer, 400, "malformed_request")["detail"]
    assert rows_written() == 0


async def test_rows_that_are_not_compressed_as_they_say_are_400(http: httpx.AsyncClient, demo: Demo) -> None:
    assert_problem(await upload(http, demo, b"name\r\n", "gzip"), 400, "malformed_request")


@pytest.mark.parametrize(
    "codings", [["br"], ["zstd"], ["compress"], ["foo"], ["gzip, gzip"], ["gzip", "gzip"], ["identity", "gzip"]]
)
async def test_a_body_that_is_compressed_in_an_unknown_way_is_415_and_the_known_ones_are_named(
    http: httpx.AsyncClient, demo: Demo, rows_written: RowsWritten, codings: list[str]
) -> None:
    answer = await post(http, demo, REPORT, *codings)

    assert "gzip or deflate" in assert_problem(answer, 415, "unsupported_media_type")["detail"]
    assert answer.headers["Accept-Encoding"] == "gzip, deflate"
    assert rows_written() == 0


async def test_rows_that_are_compressed_in_an_unknown_way_are_415(http: httpx.AsyncClient, demo: Demo) -> None:
    assert_problem(await upload(http, demo, b"name\r\n", "br"), 415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
async def test_a_body_that_nobody_reads_is_not_decompressed(
    server: Server, coding: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n\r\n"
    last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(head.encode())
    async with asyncio.timeout(10):
        answers = await reader.readuntil(b"\r\n\r\n")
        writer.write(f"xxxx{last}".encode())  # the rest of it comes when it is answered already
        answers += await reader.read()
    writer.close()

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
