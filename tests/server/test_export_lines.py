"""NDJSON and CSV from the database's text: whatever names and versions hold comes out again."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from firmtrail_server.exports import lines

#: what the contract lets names and versions be: no control characters
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12) | st.sampled_from(
    ["null", "\\N", "=1", "+1", "-1", "@x", 'a"b', "a,b", "a\\b", "\\", "#end", "{}"]
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), max_size=5)


def as_copied(rows: list[tuple[str, str, bool]]) -> bytes:
    """The rows as COPY writes them."""
    copied = b""
    for name, version, is_open in rows:
        moment = '"2026-05-03T12:00:00+00:00"'
        fields = ["d", name, "main", "p", version, moment, moment, "null" if is_open else moment, "7", moment]
        copied += b"\x01".join(field.replace("\\", "\\\\").encode() for field in fields) + b"\n"
    return copied


@given(ROWS)
def test_ndjson_is_an_object_a_row(rows: list[tuple[str, str, bool]]) -> None:
    read = [json.loads(line) for line in lines.ndjson(as_copied(rows)).splitlines()]

    assert [(one["device_name"], one["version"], one["superseded_at"] is None) for one in read] == rows
    assert all([*one] == lines.COLUMNS for one in read)
    assert all(one["report_count"] == 7 for one in read)


@given(ROWS)
def test_csv_holds_every_text_and_no_formula(rows: list[tuple[str, str, bool]]) -> None:
    text = (lines.csv_header() + lines.csv_rows(as_copied(rows))).decode()
    read = [*csv.DictReader(io.StringIO(text, newline=""))]

    cells = [cell for one in read for cell in (one["device_name"], one["version"])]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert [cell.removeprefix("'") for cell in cells] == [
        text.removeprefix("'") for name, version, _ in rows for text in (name, version)
    ]
    assert [one["superseded_at"] == "" for one in read] == [is_open for _, _, is_open in rows]
