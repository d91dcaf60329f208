"""Exports beside slow, gone and killed parties: no snapshot is held for them, no place is lost, no memory grows."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import psycopg
import pytest

from firmtrail_contract import ARROW_TYPE, NDJSON_TYPE
from firmtrail_server.app import create_app
from firmtrail_server.exports import exporter, pace
from firmtrail_server.settings import Settings
from tests.served import Server, serving
from tests.server.conftest import Demo, seed
from tests.server.exporting import FORMATS, PATH, fill, read

#: more than the buffers on the way to a client that does not read
_DEVICES, _PERIODS = 500, 100


async def begun(server: Server, demo: Demo, media_type: str, query: str = "") -> asyncio.StreamWriter:
    """Ask for an export, and read no more of it than its head."""
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
    credential = base64.b64encode(":".join(demo.project_key).encode()).decode()
    lines = [f"GET {PATH}{query} HTTP/1.1", "Host: x", f"Accept: {media_type}", f"Authorization: Basic {credential}"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b"200" in await reader.readline()
    return writer


def exporting_backends(database_url: str) -> int:
    """How many connections hold a snapshot for an export."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        row = conn.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and xact_start is not null"
            " and pid <> pg_backend_pid() and query ilike 'copy (%'"
        ).fetchone()
    assert row is not None
    return row[0]


async def until_none(database_url: str) -> None:
    async with asyncio.timeout(20):
        while await asyncio.to_thread(exporting_backends, database_url):  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("media_type", FORMATS)
async def test_a_reader_that_stops_holds_no_snapshot_for_long(database_url: str, media_type: str) -> None:
    settings = Settings(seed_enabled=True, password_cost=4, export_seconds=1)
    async with (
        serving(create_app(settings, database_url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        demo = await seed(http)
        await asyncio.to_thread(lambda: fill(database_url, demo, devices=_DEVICES, periods=_PERIODS))
        writer = await begun(server, demo, media_type)

        await until_none(database_url)

        assert (await http.get("/healthz")).status_code == 200
        writer.close()


async def test_a_whole_export_ends_in_time_under_a_load_that_does_not(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "RESTS", 1e6)  # each rest is as long as one may be: together longer than an export
    settings = Settings(seed_enabled=True, password_cost=4, export_seconds=10)
    async with (
        serving(create_app(settings, database_url)) as server,
        httpx.AsyncClient(base_url=server.url) as http,
    ):
        demo = await seed(http)
        await asyncio.to_thread(lambda: fill(database_url, demo, devices=200, periods=_PERIODS))

        with busy():
            answer = await http.get(PATH, auth=demo.project_key, headers={"Accept": NDJSON_TYPE}, timeout=60)

    exported = read(NDJSON_TYPE, answer.content)
    assert exported.end is not None
    assert exported.end["rows"] == len(exported.rows) == 200 * (_PERIODS + 1)


async def test_an_export_rests_while_its_server_has_other_work(
    server: Server, demo: Demo, database_url: str, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    monkeypatch.setattr(exporter, "time", SimpleNamespace(monotonic=time.monotonic, sleep=rests.append))
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=100, periods=_PERIODS))

    with busy():
        answer = await http.get(PATH, auth=demo.project_key, headers={"Accept": NDJSON_TYPE}, timeout=60)

    assert read(NDJSON_TYPE, answer.content).end is not None
    assert len(rests) > 1, "it may rest after each block"
    assert sum(rests) > 0


async def test_a_stretch_rests_without_a_snapshot(
    server: Server, demo: Demo, database_url: str, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[tuple[float, int]] = []

    def rest(seconds: float) -> None:
        rests.append((seconds, exporting_backends(database_url)))

    monkeypatch.setattr(exporter, "time", SimpleNamespace(monotonic=time.monotonic, sleep=rest))
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=100, periods=_PERIODS))

    with busy():
        await http.get(f"{PATH}?resumable=true", auth=demo.project_key, timeout=60)

    assert [backends for _, backends in rests] == [0]
    assert rests[0][0] > 0


@contextmanager
def busy() -> Generator[None]:
    """Let another thread use what this process gets of the processor."""
    done = threading.Event()

    def spin() -> None:
        while not done.is_set():
            hashlib.sha256(bytes(1024**2))  # without Python's lock

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def test_a_client_that_hangs_up_ends_its_export_and_leaves_its_place(
    server: Server, demo: Demo, database_url: str
) -> None:
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=_DEVICES, periods=_PERIODS))
    writer = await begun(server, demo, NDJSON_TYPE)

    writer.transport.abort()

    await until_none(database_url)
    async with asyncio.timeout(20):
        while server.services.exporter.running:  # noqa: ASYNC110  nor does the server
            await asyncio.sleep(0.05)


async def test_a_resumable_export_never_waits_with_a_snapshot(server: Server, demo: Demo, database_url: str) -> None:
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=_DEVICES, periods=_PERIODS))
    writer = await begun(server, demo, NDJSON_TYPE, "?resumable=true")

    await until_none(database_url)

    assert server.services.exporter.running == 1
    writer.close()


async def test_a_database_that_ends_the_connection_ends_the_export_as_cut(
    server: Server, http: httpx.AsyncClient, demo: Demo, database_url: str
) -> None:
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=_DEVICES, periods=_PERIODS))
    content = bytearray()
    headers = {"Accept-Encoding": "identity"}

    async def collect() -> None:
        async with http.stream("GET", PATH, auth=demo.project_key, headers=headers) as answer:
            async for chunk in answer.aiter_raw():
                if not content:
                    await asyncio.to_thread(terminate_exports, database_url)
                content.extend(chunk)

    with pytest.raises(httpx.RemoteProtocolError):
        await collect()

    assert json.loads(content.splitlines()[-1])["error"]["code"] == "unavailable"
    assert server.services.exporter.running == 0


def terminate_exports(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and query ilike 'copy (%' and pid <> pg_backend_pid()"
        )


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize("resumable", ["true", "false"])
@pytest.mark.parametrize("media_type", [NDJSON_TYPE, ARROW_TYPE])
async def test_memory_does_not_grow_with_the_rows(
    http: httpx.AsyncClient, demo: Demo, database_url: str, media_type: str, resumable: str
) -> None:
    await asyncio.to_thread(lambda: fill(database_url, demo, devices=1_200, periods=_PERIODS))
    read = 0
    most = 0.0

    async def export() -> None:
        nonlocal read, most
        headers = {"Accept": media_type, "Accept-Encoding": "identity"}
        async with http.stream(
            "GET", PATH, auth=demo.project_key, headers=headers, params={"resumable": resumable}
        ) as answer:
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                most = max(most, resident_mib())

    await http.get(PATH, auth=demo.project_key, headers={"Accept": media_type}, params={"at": "2000-01-01"})
    before = resident_mib()
    await export()

    assert read > 15 * 1024**2
    assert most - before < 40
