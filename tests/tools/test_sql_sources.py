"""Where the SQL lint looks, and how it says what it found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lint_sql import findings_in
from sql_sources import Source, sources_in
from sql_tree import statements_of

LINT = Path(__file__).resolve().parents[2] / "tools" / "lint_sql.py"


def sources_of(folder: Path, text: str, name: str = "queries.py") -> list[Source]:
    (folder / name).write_text(text)
    return list(sources_in(folder / name))


def places_of_findings(folder: Path, text: str, name: str = "queries.py") -> list[str]:
    """Line and rule of each."""
    findings = findings_in(sources_of(folder, text, name))
    return [":".join(finding.removeprefix(str(folder)).split(":")[1:3]) for finding in findings]


@pytest.mark.parametrize(
    "text",
    [
        'conn.execute("select 1")',
        'conn.executemany("anything at all that is executed", [])',
        'LIST = "select 1"',
        'rows(conn, Model, "with a as (select 1) select a from a")',
        'statement = f"select {name} from devices"',
        'sql.SQL("select 1")',
        'VACUUM = "vacuum devices"\nconn.execute(VACUUM)',
        "conn.execute(built(1))",
    ],
)
def test_sql_is_found_wherever_it_stands_in_python(text: str, tmp_path: Path) -> None:
    assert len(sources_of(tmp_path, text)) == 1


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
    assert sources_of(tmp_path, text) == []


def test_statements_of_a_file_are_told_apart_with_their_lines(tmp_path: Path) -> None:
    text = "-- depends: 0001; 0002\ncreate table a (b text default ';');\n\ncreate table c (d text);\n"

    [source] = sources_of(tmp_path, text, "0003.a.sql")

    starts = [statement.tree.stmt_location or 0 for statement in statements_of(source)]
    assert [source.line_at(start) for start in starts] == [2, 4]


def test_placeholders_are_numbered_in_order_of_appearance(tmp_path: Path) -> None:
    [source] = sources_of(tmp_path, 'conn.execute("select %(b)s, %(a)s, %(b)s")')

    assert (source.text, source.parameters) == ("select $1, $2, $1", ["b", "a"])


def test_f_strings_are_put_together_from_constants_of_their_module(tmp_path: Path) -> None:
    text = 'A = "a"\nB: Final = f"{A}, %(b)s"\nasync def get(conn):\n    conn.execute(f"select {B}, %(c)s, %(b)s")\n'

    [source] = sources_of(tmp_path, text)

    assert (source.name, source.text) == ("get", "select a, $1, $2, $1")


def test_f_strings_are_put_together_from_constants_that_their_module_imports(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms" / "shared.py").write_text('A = "%(a)s"\nB: Final = f"{A}, %(b)s"\n')

    [source] = sources_of(
        tmp_path, 'from rooms.shared import B as C\n\nasync def get(conn):\n    conn.execute(f"select {C}, %(a)s")\n'
    )

    assert (source.text, source.line_at(0)) == ("select $1, $2, $1", 4)


def test_a_finding_in_a_shared_part_names_the_line_of_the_part(tmp_path: Path) -> None:
    text = 'WHERE = """true\n and 1 / 2 = 0"""\n\nconn.execute(f"""\n select a\n where {WHERE} and\n 3 / 4 = 0""")\n'

    assert places_of_findings(tmp_path, text) == ["2: integer-division", "7: integer-division"]


@pytest.mark.parametrize(
    "text",
    [
        'def f(name):\n    conn.execute(f"select {name} from devices")',
        'A = "a"\nconn.execute(\n    f"select {A!r} from devices")',
        "def f(statement):\n    conn.execute(statement)",
        'def f():\n    conn.execute("select from where")',
        "conn.execute(\"upsert into devices (name) values ('a')\")",
    ],
)
def test_sql_that_cannot_be_read_is_a_finding(text: str, tmp_path: Path) -> None:
    last_line = text.count("\n") + 1

    assert places_of_findings(tmp_path, text) == [f"{last_line}: unreadable"]


def test_a_lock_is_found_in_the_line_where_it_is_taken(tmp_path: Path) -> None:
    text = "select id\n  from devices\n where true\n   for update;\n"

    assert places_of_findings(tmp_path, text, "a.sql") == ["4: for-update"]


def test_a_finding_names_file_line_rule_reason_and_way_out(tmp_path: Path) -> None:
    (tmp_path / "queries.py").write_text('QUERY = """\n    select id,\n           a / b\n      from devices\n"""\n')

    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout.startswith(f"{tmp_path}/queries.py:3: integer-division: CockroachDB makes a decimal")
    assert "; instead: floor(a::float8 / b)" in done.stdout


def test_a_finding_is_allowed_by_a_comment_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "0001.a.sql").write_text("select * from a; -- allow select-star: the table has one column\n")
    (tmp_path / "b.py").write_text("conn.execute(one)  # allow unreadable: a literal of another module\n")

    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 0


def test_a_place_without_sql_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, LINT, tmp_path], capture_output=True, text=True, check=False)

    assert done.returncode == 2
