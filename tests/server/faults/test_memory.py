"""What bad bodies, and bytes that are no request, leave behind in the memory of a worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from firmtrail_server.http.rows_endpoint import MAX_IMPORTS_OF_A_PROJECT
from tests.server.bad_bodies import Bad, bad_requests
from tests.server.conftest import seed
from tests.server.server_process import ServerProcess

#: SECURITY.md names it
BOUND_MIB = 256
ROUNDS = 3
#: of 100 MB that were sent
LEFT_MIB = 32


async def test_a_workers_memory_stays_within_its_bound_under_bad_bodies(database_url: str) -> None:
    server = ServerProcess("serve", FIRMTRAIL_SEED_ENABLED="1", FIRMTRAIL_DATABASE_URL=database_url)
    try:
        async with httpx.AsyncClient(base_url=server.url(), timeout=60) as http:
            demo = await seed(http)
            requests = iter([*bad_requests(demo)] * ROUNDS)
            statuses = await asyncio.gather(*(_send(http, requests) for _ in range(MAX_IMPORTS_OF_A_PROJECT)))
        peak = _peak_mib(server.pid)
    finally:
        server.stop()

    assert {*sum(statuses, Counter[int]())} == {200, 400, 422}
    assert peak < BOUND_MIB


async def test_bytes_that_are_no_request_leave_nothing_behind(database_url: str) -> None:
    server = ServerProcess("serve", FIRMTRAIL_DATABASE_URL=database_url)
    try:
        host, _, port = server.url().removeprefix("http://").partition(":")
        before = _peak_mib(server.pid)
        for _ in range(50):
            answers = await asyncio.gather(*(_refused(host, int(port)) for _ in range(10)))
            assert {answer.split(b" ", 2)[1] for answer in answers} == {b"400"}
        peak = _peak_mib(server.pid)
    finally:
        server.stop()

    assert peak - before < LEFT_MIB


async def _refused(host: str, port: int) -> bytes:
    """Send 200,000 bytes that are no request line, of which the server reads no more than it needs to refuse them."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"\x16" * 200_000)
    try:
        return await reader.readuntil(b"\r\n")
    finally:
        writer.transport.abort()


async def _send(http: httpx.AsyncClient, requests: Iterator[Bad]) -> Counter[int]:
    statuses = Counter[int]()
    for one in requests:
        answer = await http.post(one.path, content=one.content, headers=one.headers, auth=one.auth)
        statuses[answer.status_code] += 1
    return statuses


def _peak_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
