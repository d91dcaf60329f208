"""NDJSON and CSV from the database's text: whatever names and versions hold comes out again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmtrail_server.exports import lines

#: what the contract lets names and versions be: no control characters
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12) | st.sampled_from(
    ["null", "\\N", "=1", "+1", "-1", "@x", 'a"b', "a,b", "a\\b", "\\", "#end", "{}", "1.0+00", "a b", "+00", "1+2"]
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), min_size=1, max_size=5)

MOMENT = "2026-05-03 12:00:00.5+00"


def as_copied(rows: list[tuple[str, str, bool]]) -> bytes:
    """The rows as COPY writes them."""
    copied = b""
    for name, version, is_open in rows:
        texts = [text.replace("\\", "\\\\").replace(" ", "\x03") for text in (name, version)]
        fields = ["d", texts[0], "main", "p", texts[1], MOMENT, MOMENT, "\x04" if is_open else MOMENT, "7", MOMENT]
        copied += "\x01".join(fields).encode() + b"\n"
    return copied


@given(ROWS)
def test_ndjson_is_an_object_a_row(rows: list[tuple[str, str, bool]]) -> None:
    read = [json.loads(line) for line in lines.ndjson(len(rows), as_copied(rows)).splitlines()]

    assert [(one["device_name"], one["version"], one["superseded_at"] is None) for one in read] == rows
    assert all([*one] == lines.COLUMNS for one in read)
    assert all(one["report_count"] == 7 for one in read)
    assert all(one["recorded_at"] == one["last_reported_at"] == "2026-05-03T12:00:00.5+00:00" for one in read)


@given(ROWS)
def test_csv_holds_every_text_and_no_formula(rows: list[tuple[str, str, bool]]) -> None:
    text = (lines.csv_header() + lines.csv_rows(len(rows), as_copied(rows))).decode()
    read = [*csv.DictReader(io.StringIO(text, newline=""))]

    cells = [cell for one in read for cell in (one["device_name"], one["version"])]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell.removeprefix("'") for cell in cells] == [
        text.removeprefix("'") for name, version, _ in rows for text in (name, version)
    ]
    assert [one["superseded_at"] for one in read] == ["" if row[2] else "2026-05-03T12:00:00.5+00:00" for row in rows]


@pytest.mark.parametrize("write", [lines.ndjson, lines.csv_rows])
def test_moments_that_are_written_in_another_way_are_refused(write: Callable[[int, bytes], bytes]) -> None:
    copied = as_copied([("n", "1", False)])

    with pytest.raises(ValueError, match="moments"):
        write(1, copied.replace(b"+00", b"+00:00"))
