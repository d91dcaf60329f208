"""Exports over plain HTTP: each format holds the histories, says where it ends, and is refused where it has to be."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import attrs
import httpx
import psycopg
import pytest
import zstandard

from firmtrail_contract import ARROW_TYPE, CSV_TYPE, NDJSON_TYPE
from firmtrail_server.exports import exporter
from firmtrail_server.settings import Settings
from tests.served import Server
from tests.server.callers import Caller, all_pages, join, made, read, refusal, wrong_fields
from tests.server.conftest import Clock, Demo
from tests.server.exporting import FORMATS, PATH, Row, export, fill, in_order

pa: Any = import_module("pyarrow")
ipc: Any = import_module("pyarrow.ipc")

_FORMULAS = ("=", "+", "-", "@")


@pytest.fixture
def filled(database_url: str, demo: Demo) -> Demo:
    fill(database_url, demo, devices=5, periods=24)
    return demo


async def histories(admin: Caller, **query: str) -> list[Row]:
    """Every device's history, read one by one."""
    rows: list[Row] = []
    for device in await all_pages(admin, "projects/current/devices"):
        for period in await all_pages(admin, f"devices/{device['id']}/firmware_version", **query):
            period_id = period.pop("id")
            del period["first_reported_at_source"], period["last_reported_at_source"]  # they are no part of it
            rows.append({"device_id": device["id"], "device_name": device["name"], "period_id": period_id, **period})
    return in_order(rows)


def as_in(media_type: str, rows: list[Row]) -> list[Row]:
    """What CSV makes harmless."""
    if media_type != CSV_TYPE:
        return rows
    return [{name: guarded(value) for name, value in row.items()} for row in rows]


def guarded(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


@pytest.mark.parametrize("resumable", ["true", "false"])
@pytest.mark.parametrize("media_type", FORMATS)
async def test_every_format_holds_the_histories_read_one_by_one(
    http: httpx.AsyncClient, filled: Demo, admin: Caller, media_type: str, resumable: str
) -> None:
    exported = await export(http, filled, media_type, resumable=resumable)

    assert in_order(exported.rows) == as_in(media_type, await histories(admin))
    assert len(exported.rows) == 5 * 25
    assert exported.end is not None
    assert exported.end["rows"] == 5 * 25


@pytest.mark.parametrize("media_type", FORMATS)
async def test_at_a_moment_there_is_what_was_in_force(
    http: httpx.AsyncClient, filled: Demo, admin: Caller, media_type: str
) -> None:
    at = "2025-01-09T12:00:00Z"

    exported = await export(http, filled, media_type, at=at)

    assert in_order(exported.rows) == as_in(media_type, await histories(admin, at=at))
    assert len(exported.rows) == 5


async def test_filters_add_up(http: httpx.AsyncClient, filled: Demo, admin: Caller) -> None:
    sites = {one["id"]: one["labels"].get("site") for one in await all_pages(admin, "projects/current/devices")}

    exported = await export(
        http, filled, NDJSON_TYPE, component="modem", labels="site=s1", since="2025-01-10", until="2025-01-15"
    )

    expected = [
        row
        for row in await histories(admin)
        if row["component"] == "modem"
        and sites[row["device_id"]] == "s1"
        and row["first_reported_at"] < "2025-01-16"
        and row["superseded_at"] > "2025-01-10T00:00:00.000000Z"
    ]
    assert in_order(exported.rows) == expected
    assert expected


async def test_now_is_what_runs_now(http: httpx.AsyncClient, filled: Demo, clock: Clock) -> None:
    exported = await export(http, filled, NDJSON_TYPE, at=clock.advance(days=1).isoformat().replace("+00:00", "Z"))

    assert {row["version"] for row in exported.rows} == {"9"}


@pytest.mark.parametrize("media_type", FORMATS)
async def test_an_empty_project_exports_its_end_alone(http: httpx.AsyncClient, demo: Demo, media_type: str) -> None:
    exported = await export(http, demo, media_type)

    assert (exported.rows, [*exported.records[-1]]) == ([], ["end"])


@pytest.mark.parametrize("media_type", [NDJSON_TYPE, CSV_TYPE])
async def test_the_checksum_is_of_all_before_the_last_line(
    http: httpx.AsyncClient, filled: Demo, media_type: str
) -> None:
    answer = await http.get(PATH, auth=filled.project_key, headers={"Accept": media_type})

    *before, last = answer.content.splitlines(keepends=True)
    end = json.loads(last.lstrip(b"#"))["end"]
    assert end["sha256"] == hashlib.sha256(b"".join(before)).hexdigest()


async def test_the_checksum_of_arrow_is_of_all_before_its_last_batch(http: httpx.AsyncClient, filled: Demo) -> None:
    answer = await http.get(PATH, auth=filled.project_key, headers={"Accept": ARROW_TYPE})

    messages: list[bytes] = []
    source = pa.BufferReader(answer.content)
    while source.tell() < len(answer.content) - 8:
        begins = source.tell()
        ipc.read_message(source)
        messages.append(answer.content[begins : source.tell()])
    digest = hashlib.sha256(b"".join(messages[:-1])).hexdigest().encode()
    assert digest in messages[-1]


async def test_a_resumable_export_goes_on_after_a_position(
    http: httpx.AsyncClient, filled: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "DEVICES_OF_A_STRETCH", (2, 2))
    whole = await export(http, filled, NDJSON_TYPE, resumable="true")
    positions = [one["position"]["after"] for one in whole.records if "position" in one]

    rest = await export(http, filled, NDJSON_TYPE, resumable="true", after=positions[0])

    assert len(positions) == 3
    assert positions == sorted(positions)
    assert rest.rows == [row for row in whole.rows if row["device_id"] > positions[0]]
    assert rest.end is not None
    assert rest.end["rows"] == len(rest.rows)


async def test_deleted_devices_are_not_exported(http: httpx.AsyncClient, filled: Demo, admin: Caller) -> None:
    gone = next(one for one in await all_pages(admin, "projects/current/devices") if one["name"] == "=cmd()")

    await admin.delete(f"devices/{gone['id']}")

    assert gone["id"] not in {row["device_id"] for row in (await export(http, filled, NDJSON_TYPE)).rows}


async def test_another_projects_rows_are_not_exported(http: httpx.AsyncClient, filled: Demo, other: Demo) -> None:
    assert (await export(http, other, NDJSON_TYPE)).rows == []


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("zstd, gzip", "zstd"), ("gzip", "gzip"), ("zstd;q=0.1, gzip", "gzip"), ("br", None), ("identity", None)],
)
async def test_it_is_compressed_for_who_accepts_that(
    http: httpx.AsyncClient, filled: Demo, accepted: str, coding: str | None
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with http.stream("GET", PATH, auth=filled.project_key, headers=headers) as answer:
        content = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert answer.headers.get("Content-Encoding") == coding
    text = gzip.decompress(content) if coding == "gzip" else content
    text = zstandard.ZstdDecompressor().decompressobj().decompress(content) if coding == "zstd" else text
    assert b'{"end":{"rows":125,' in text


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", NDJSON_TYPE),
        ("text/*", CSV_TYPE),
        ("text/csv;q=0.5, application/x-ndjson;q=0.4", CSV_TYPE),
        (f"{ARROW_TYPE}, text/csv;q=0.9", ARROW_TYPE),
    ],
)
async def test_accept_chooses_the_format(http: httpx.AsyncClient, demo: Demo, accept: str, media_type: str) -> None:
    answer = await http.get(PATH, auth=demo.project_key, headers={"Accept": accept})

    assert answer.headers["Content-Type"] == media_type


@pytest.mark.parametrize("accept", ["application/json", "image/png", "text/csv;q=0", "nonsense", "text/csv;q=x"])
async def test_a_media_type_that_there_is_not_is_406(http: httpx.AsyncClient, demo: Demo, accept: str) -> None:
    answer = await http.get(PATH, auth=demo.project_key, headers={"Accept": accept})

    assert refusal(answer) == (406, "not_acceptable")
    assert CSV_TYPE in answer.json()["detail"]


async def test_arrow_without_its_extra_is_a_406_that_names_it(
    http: httpx.AsyncClient, demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "adbc_driver_postgresql", None)

    answer = await http.get(PATH, auth=demo.project_key, headers={"Accept": ARROW_TYPE})

    assert refusal(answer) == (406, "not_acceptable")
    assert "firmtrail-server[arrow]" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "00000000-0000-0000-0000-000000000001"}, "/after"),
        ({"at": "2026-01-01", "since": "2025-01-01"}, "/at"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "/since"),
        ({"after": "x", "resumable": "true"}, "/after"),
        ({"resumable": "perhaps"}, "/resumable"),
    ],
)
async def test_a_filter_that_is_wrong_is_named(admin: Caller, query: dict[str, str], field: str) -> None:
    answer = await admin.get("projects/current/firmware_history", **query)

    assert [pointer for pointer, _ in wrong_fields(answer)] == [field]


async def test_head_is_answered_without_a_body(server: Server, demo: Demo) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    credentials = httpx.BasicAuth(*demo.project_key)._auth_header  # pyright: ignore[reportPrivateUsage]
    rest = f"Host: it\r\nAccept: {NDJSON_TYPE}\r\nAuthorization: {credentials}\r\n"
    writer.write(f"HEAD {PATH} HTTP/1.1\r\n{rest}\r\nHEAD {PATH} HTTP/1.1\r\n{rest}Connection: close\r\n\r\n".encode())

    answers = await reader.read()

    writer.close()
    assert [head.partition(b"\r\n")[0] for head in answers.split(b"\r\n\r\n")] == [b"HTTP/1.1 200 OK"] * 2 + [b""]


async def test_devices_may_not_export(http: httpx.AsyncClient, demo: Demo) -> None:
    assert (await http.get(PATH, auth=demo.device_key)).status_code == 403


async def collect(chunks: AsyncIterator[bytes], content: bytearray) -> None:
    async for chunk in chunks:
        content += chunk


async def test_a_revoked_key_ends_a_resumable_export(
    http: httpx.AsyncClient, filled: Demo, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "DEVICES_OF_A_STRETCH", (1, 1))
    stretches = exporter.Exporter._spool

    def revoke_after(*arguments: Any) -> int:
        rows = stretches(*arguments)  # pyright: ignore[reportCallIssue]
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute("delete from api_keys where id = %s", [filled.project_key[0]])
        return rows

    monkeypatch.setattr(exporter.Exporter, "_spool", revoke_after)
    content = bytearray()
    headers = {"Accept-Encoding": "identity"}
    query = {"resumable": "true"}
    async with http.stream("GET", PATH, auth=filled.project_key, params=query, headers=headers) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            await collect(answer.aiter_raw(), content)

    last = json.loads(content.splitlines()[-1])
    assert last["error"]["code"] == "unauthenticated"


@pytest.fixture
async def shared(ada: Caller, bob: Caller, demo: Demo, database_url: str) -> str:
    """A project of Ada's that Bob may read, of more than sockets hold."""
    project_id = made(await ada.post("projects", {"name": "hers"}))["id"]
    await join(bob, ada, f"projects/{project_id}", "viewer")
    fill(database_url, attrs.evolve(demo, project_id=project_id), devices=120, periods=200)
    return f"projects/{project_id}"


@pytest.mark.parametrize("resumable", ["true", "false"])
@pytest.mark.parametrize("lost", ["membership", "project"])
async def test_an_export_gets_no_end_when_its_reader_loses_the_project_meanwhile(
    ada: Caller, bob: Caller, shared: str, lost: str, resumable: str
) -> None:
    headers, query = {"Accept-Encoding": "identity"}, {"resumable": resumable}
    url = f"/v1/{shared}/firmware_history"
    async with bob.http.stream("GET", url, auth=bob.auth, params=query, headers=headers) as answer:
        chunks = answer.aiter_raw()
        content = bytearray(await anext(chunks))
        if lost == "project":
            await ada.delete(shared, name="hers")
        else:
            await ada.delete(f"{shared}/members/{read(await bob.get('users/me'))['id']}")
        with pytest.raises(httpx.RemoteProtocolError):
            await collect(chunks, content)

    assert json.loads(content.splitlines()[-1])["error"]["code"] == "not_found"


class TestLimits:
    """A server that runs one export at a time."""

    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(seed_enabled=True, password_cost=4, max_exports=1)

    async def test_one_export_too_many_is_503_and_says_when_to_try_again(
        self, http: httpx.AsyncClient, demo: Demo, server: Server
    ) -> None:
        with server.services.exporter.place():
            refused = await http.get(PATH, auth=demo.project_key)
        served = await http.get(PATH, auth=demo.project_key)

        assert refusal(refused) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert served.status_code == 200

    async def test_exports_that_are_refused_or_over_leave_their_place(
        self, http: httpx.AsyncClient, demo: Demo, server: Server
    ) -> None:
        await http.get(PATH, auth=demo.project_key)
        await http.get(PATH, auth=demo.project_key, params={"after": demo.device_id})
        await http.get(PATH, auth=demo.project_key, headers={"Accept": "image/png"})

        assert server.services.exporter.running == 0
