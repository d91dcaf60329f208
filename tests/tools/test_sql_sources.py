"""Where the SQL lint looks, and how it says what it found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sql_sources import statements_in

LINT = Path(__file__).resolve().parents[2] / "tools" / "lint_sql.py"


def lines_of_statements(file: Path, text: str) -> list[tuple[int, str]]:
    file.write_text(text)
    return [(statement.line, " ".join(statement.code.split())) for statement in statements_in(file)]


@pytest.mark.parametrize(
    "text",
    [
        'conn.execute("select 1")',
        'conn.executemany("anything at all that is executed", [])',
        'LIST = "select 1"',
        'rows(conn, Model, "with a as (select 1) select a from a")',
        'statement = f"select {name} from devices"',
        'sql.SQL("select 1")',
    ],
)
def test_sql_is_found_wherever_it_stands_in_python(text: str, tmp_path: Path) -> None:
    assert len(lines_of_statements(tmp_path / "queries.py", text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '"""Select the devices of a project."""',
        'def f():\n    """select 1"""',
        'raise ValueError("update the device first")',
        'log("with a hint as to why")',
    ],
)
def test_prose_is_not_taken_for_sql(text: str, tmp_path: Path) -> None:
    assert lines_of_statements(tmp_path / "queries.py", text) == []


def test_statements_of_a_file_are_told_apart_with_their_lines(tmp_path: Path) -> None:
    text = "-- depends: 0001; 0002\ncreate table a (b text default ';');\n\ncreate table c (d text);\n"

    assert lines_of_statements(tmp_path / "0003.a.sql", text) == [
        (2, "create table a (b text default ' ')"),
        (4, "create table c (d text)"),
    ]


def test_a_finding_names_file_line_rule_reason_and_way_out(tmp_path: Path) -> None:
    (tmp_path / "queries.py").write_text('QUERY = """\n    select id,\n           a / b\n      from devices\n"""\n')

    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path}/queries.py:3: integer-division: CockroachDB makes a decimal")
    assert "; instead: floor(a::float8 / b)" in done.stdout


def test_a_finding_is_allowed_by_a_comment_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "0001.a.sql").write_text("select * from a; -- allow select-star: the table has one column\n")

    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 0


def test_a_place_without_sql_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 2
