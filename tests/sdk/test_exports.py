"""Exports through the SDK and the command: what is cut is never taken for whole, and goes on to the exact file."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import gzip
import hashlib
import json
import random
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import zstandard

from firmtrail import AsyncClient, Client, ConfigError, ConnectionLostError, DecodeError, ExportProgress
from firmtrail._exports import new_decoder
from firmtrail._retry import RetryPolicy
from firmtrail_contract import ARROW_TYPE, NDJSON_TYPE, ExportedPeriod, ExportMarker, ExportStart
from firmtrail_server.exports import exporter as exports
from firmtrail_server.exports.arrow import ArrowFormat
from tests.sdk.cutting import Cuts, cutting
from tests.sdk.policies import with_policy
from tests.sdk.shell import Shell
from tests.served import Server
from tests.server.conftest import Demo
from tests.server.exporting import VERSIONS, fill

pa: Any = import_module("pyarrow")
parquet: Any = import_module("pyarrow.parquet")

ROWS = 30 * 11


@pytest.fixture
def filled(database_url: str, demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Thirty devices, in stretches of four."""
    monkeypatch.setattr(exports, "DEVICES_OF_A_STRETCH", (4, 4))
    fill(database_url, demo, devices=30, periods=10)
    return demo


async def sleep_shortly(_: float) -> None:
    """Try again soon: the server has to see that its client has gone, before there is a place for another export."""
    await asyncio.sleep(0.05)


def client_of(url: str, demo: Demo) -> AsyncClient:
    policy = RetryPolicy(async_sleep=sleep_shortly)
    return with_policy(AsyncClient(url, api_key=":".join(demo.project_key), auth="basic"), policy)


@pytest.fixture
def key(filled: Demo) -> str:
    return ":".join(filled.project_key)


async def test_export_gives_every_period_as_a_model(server: Server, filled: Demo) -> None:
    async with client_of(server.url, filled) as client:
        periods = [period async for period in client.firmware_history.export()]

    assert len(periods) == ROWS
    assert isinstance(periods[0], ExportedPeriod)
    assert {period.version for period in periods} >= {*VERSIONS[1:11]}


async def test_the_sync_client_exports_the_same(server: Server, key: str) -> None:
    def read() -> int:
        with Client(server.url, api_key=key) as client:
            rows = [*client.firmware_history.export(component="main")]
            return len(rows) + sum(batch.num_rows for batch in client.firmware_history.batches(component="modem"))

    assert await asyncio.to_thread(read) == ROWS


async def test_batches_are_those_of_pyarrow(server: Server, filled: Demo) -> None:
    async with client_of(server.url, filled) as client:
        batches = [batch async for batch in client.firmware_history.batches(resumable=True)]

    table = pa.Table.from_batches(batches)
    assert table.num_rows == ROWS
    assert table.schema.field("first_reported_at").type == pa.timestamp("us", tz="UTC")


def text_of(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
            return reader.read()
    return content


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, by other means than the SDK's."""
    name = path.name
    if ".ndjson" in name:
        return [json.loads(line) for line in text_of(path).splitlines()]
    if ".csv" in name:
        return [*csv.DictReader(text_of(path).decode().splitlines())]
    if name.endswith(".parquet"):
        return parquet.read_table(path).to_pylist()
    with pa.ipc.open_file(path) as reader:
        return reader.read_all().to_pylist()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


NAMES = ["h.ndjson", "h.csv", "h.ndjson.gz", "h.csv.gz", "h.ndjson.zst", "h.csv.zst", "h.parquet", "h.arrow"]


@pytest.mark.parametrize("resumable", [True, False], ids=["resumable", "of one moment"])
@pytest.mark.parametrize("name", NAMES)
async def test_write_makes_the_file_that_its_name_says(
    server: Server,
    filled: Demo,
    tmp_path: Path,
    name: str,
    resumable: bool,  # noqa: FBT001
) -> None:
    async with client_of(server.url, filled) as client:
        done = await client.firmware_history.write(tmp_path / name, resumable=resumable)

    rows = rows_of(tmp_path / name)
    assert len(rows) == len({row["period_id"] for row in rows}) == done.rows == ROWS
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize("name", ["h.ndjson", "h.csv", "h.csv.gz", "h.parquet", "h.arrow"])
async def test_an_empty_project_makes_an_empty_file(server: Server, demo: Demo, tmp_path: Path, name: str) -> None:
    async with client_of(server.url, demo) as client:
        await client.firmware_history.write(tmp_path / name)

    assert rows_of(tmp_path / name) == []


@pytest.mark.parametrize("name", ["h.ndjson", "h.csv", "h.ndjson.zst", "h.parquet"])
async def test_an_export_cut_at_random_bytes_goes_on_to_the_same_file(
    server: Server, filled: Demo, tmp_path: Path, name: str
) -> None:
    places = [random.randrange(1, 30_000) for _ in range(6)]
    async with client_of(server.url, filled) as client:
        await client.firmware_history.write(tmp_path / f"whole.{name}")
    cuts = Cuts(places)

    async with cutting(server, cuts) as url, client_of(url, filled) as client:
        await client.with_options(attempts=20).firmware_history.write(tmp_path / name)

    assert rows_of(tmp_path / name) == rows_of(tmp_path / f"whole.{name}"), places
    assert cuts.made > 0


@pytest.mark.parametrize("name", NAMES)
async def test_a_cut_is_never_taken_for_the_end(server: Server, filled: Demo, tmp_path: Path, name: str) -> None:
    for place in [*range(1, 2_000, 397), random.randrange(2_000, 5_000)]:
        async with cutting(server, Cuts([place] * 9)) as url, client_of(url, filled) as client:
            with pytest.raises(ConnectionLostError):
                await client.firmware_history.write(tmp_path / name, resumable=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("media", ["rows", "batches"])
async def test_iterators_raise_after_a_cut(server: Server, filled: Demo, media: str) -> None:
    async with cutting(server, Cuts([9_000] * 9)) as url, client_of(url, filled) as client:
        given = client.firmware_history.export() if media == "rows" else client.firmware_history.batches()
        with pytest.raises(ConnectionLostError):
            assert [one async for one in given]


@pytest.mark.parametrize("name", ["h.ndjson", "h.csv.gz", "h.ndjson.zst"])
async def test_another_call_resumes_what_one_has_left(server: Server, filled: Demo, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    async with client_of(server.url, filled) as client:
        await client.firmware_history.write(tmp_path / f"whole.{name}")

        def give_up(progress: ExportProgress) -> None:
            if (progress.share or 0) > 0.4:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await client.firmware_history.write(file, progress=give_up)
        assert not file.exists()
        with (tmp_path / f"{name}.part").open("ab") as part:
            part.write(b"what a kill left in the middle")

        done = await client.firmware_history.write(file, resume=True)

    assert text_of(file) == text_of(tmp_path / f"whole.{name}")
    assert done.rows == ROWS
    assert names_in(tmp_path) == sorted([name, f"whole.{name}"])


async def test_resuming_another_export_is_refused(server: Server, filled: Demo, tmp_path: Path) -> None:
    def give_up(_: ExportProgress) -> None:
        raise KeyboardInterrupt

    async with client_of(server.url, filled) as client:
        with pytest.raises(KeyboardInterrupt):
            await client.firmware_history.write(tmp_path / "h.csv", progress=give_up)
        with pytest.raises(ConfigError, match="another export"):
            await client.firmware_history.write(tmp_path / "h.csv", component="modem", resume=True)
        with pytest.raises(ConfigError, match="nothing to resume"):
            await client.firmware_history.write(tmp_path / "other.csv", resume=True)


async def test_progress_counts_rows_up_to_all_of_them(server: Server, filled: Demo, tmp_path: Path) -> None:
    seen: list[ExportProgress] = []
    async with client_of(server.url, filled) as client:
        await client.firmware_history.write(tmp_path / "h.csv", progress=seen.append)

    assert [one.rows for one in seen] == sorted({one.rows for one in seen})
    assert seen[-1].rows == ROWS
    assert all(0 < (one.share or 0) <= 1 for one in seen)


@pytest.mark.parametrize("name", ["h", "h.txt", "h.gz", "h.parquet.gz"])
async def test_a_name_without_a_format_is_refused(server: Server, filled: Demo, tmp_path: Path, name: str) -> None:
    async with client_of(server.url, filled) as client:
        with pytest.raises(ConfigError, match="format"):
            await client.firmware_history.write(tmp_path / name)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("changed", ["another version", "a row less"])
def test_a_changed_stream_differs_from_its_checksum(changed: str) -> None:
    row = json.dumps({"device_id": str(uuid.UUID(int=9)), "version": "9"}).encode() + b"\n"
    start = b'{"start":{"as_of":"2026-01-01T00:00:00Z","resumable":false}}\n'
    digest = hashlib.sha256(start + row * 4).hexdigest()
    end = json.dumps({"end": {"rows": 4, "sha256": digest}}, separators=(",", ":")).encode() + b"\n"
    rows = row * 3 if changed == "a row less" else row * 3 + row.replace(b"9", b"8")
    decoder = new_decoder(NDJSON_TYPE)

    assert [*new_decoder(NDJSON_TYPE).feed(start + row * 4 + end)]
    with pytest.raises(DecodeError):
        tuple(decoder.feed(start + rows + end))
    assert not decoder.is_whole


def test_nothing_follows_the_end_of_an_export() -> None:
    start = b'{"start":{"as_of":"2026-01-01T00:00:00Z","resumable":false}}\n'
    end = json.dumps({"end": {"rows": 0, "sha256": hashlib.sha256(start).hexdigest()}}, separators=(",", ":")).encode()
    decoder = new_decoder(NDJSON_TYPE)

    with pytest.raises(DecodeError, match="after its end"):
        tuple(decoder.feed(start + end + b'\n{"device_id":"9"}\n'))


def test_arrow_with_any_bit_changed_is_read_or_refused() -> None:
    whole = ArrowFormat().begin(ExportMarker(start=ExportStart(as_of=dt.datetime.now(dt.UTC), resumable=False)))
    refused = 0

    for place in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        try:
            tuple(new_decoder(ARROW_TYPE).feed(bytes(damaged)))
        except DecodeError:
            refused += 1

    assert refused > 0


async def test_the_command_exports_and_says_how_much(server: Server, key: str, shell: Shell, tmp_path: Path) -> None:
    shell.monkeypatch.setenv("FIRMTRAIL_URL", server.url)
    shell.monkeypatch.setenv("FIRMTRAIL_API_KEY", key)
    file = tmp_path / "h.csv"

    said = await shell.said("export", str(file), "--component", "modem", "--since", "2025-01-03")
    refused = await shell("export", str(file), "--resume", code=78)
    nowhere = await shell("export", str(tmp_path / "no" / "h.csv"), code=78)

    assert f"60 rows in {file}" in said
    assert {row["component"] for row in rows_of(file)} == {"modem"}
    assert "nothing to resume" in refused
    assert "cannot be written" in nowhere
