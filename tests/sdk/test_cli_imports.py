"""`firmtrail devices import`: tables of any size, and what is said of rows that are refused."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path

import pytest

from firmtrail.cli import importing, main
from tests.sdk.shell import Shell


async def test_a_table_is_imported_in_pieces_that_each_have_its_header(
    keyed: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importing, "MAX_ROWS", 2)
    table = tmp_path / "devices.csv"
    table.write_text("﻿name,labels.site\r\n\r\na,x\r\nb,x\r\n\r\nc,x\r\n,x\r\ne,x\r\n", encoding="utf-8")

    said = await keyed("devices", "import", str(table), code=65)

    assert "5 rows: 4 created, 0 known, 1 refused" in said
    assert len((await keyed("devices", "list", "--labels", "site=x", "-q")).splitlines()) == 4


async def test_refused_rows_are_shown_with_their_numbers_in_the_whole_table(
    keyed: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    keyed.monkeypatch.setattr(importing, "MAX_BYTES", 40)
    rows = b'{"name": "pump-1"}\n{"name": ""}\n{"name": "pump-3"}\nno JSON\n'
    keyed.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(rows)))

    code = await asyncio.to_thread(main, ["devices", "import", "-", "--ndjson", "--dry-run", "--json"])

    output, errors = capsys.readouterr()
    refused = [json.loads(line) for line in output.splitlines()]
    assert (code, [row["row"] for row in refused]) == (65, [2, 4])
    assert "nothing was changed" in errors
    assert await keyed("devices", "list", "--name", "pump-3", "-q") == ""


async def test_a_table_larger_than_a_server_takes_at_once_is_imported(keyed: Shell, tmp_path: Path) -> None:
    table = tmp_path / "devices.csv"
    table.write_text("name\n" + f"{'x' * 1_000_000}\n" * 5)

    assert "5 rows: 0 created, 0 known, 5 refused" in await keyed("devices", "import", str(table), "-q", code=65)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", 1, "The first line must name each column once"),
        (b"name\n\xff\n", 78, "not UTF-8"),
        (None, 78, "cannot be read: No such file"),
    ],
    ids=["empty", "no UTF-8", "no file"],
)
async def test_a_file_that_is_no_table_is_one_sentence(
    keyed: Shell, tmp_path: Path, content: bytes | None, code: int, said: str
) -> None:
    table = tmp_path / "devices.csv"
    if content is not None:
        table.write_bytes(content)

    assert said in await keyed("devices", "import", str(table), code=code)
