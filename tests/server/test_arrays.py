"""Array literals, as PostgreSQL reads them."""

from __future__ import annotations

import psycopg
import pytest

from firmtrail_server.db import text_arrays


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["1.0"]],
        [["1.0", "NULL"], ["{1,0}"], [""], [" ", "it's"]],
        [["1.0", 'say "1.0"'], ["2.0"]],
        [["1.0"], ["a\\b", "\\"], ['"', '\\"']],
        [[], ["1.0", "2.0"]],
    ],
)
def test_arrays_of_any_texts_and_lengths_are_read_back(rows: list[list[str]], database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        read = conn.execute(
            "select given::text[] from unnest(%(rows)s::text[]) with ordinality as rows (given, n) order by n",
            {"rows": text_arrays(rows)},
        ).fetchall()

    assert [row for (row,) in read] == rows
