"""Find SQL that PostgreSQL and CockroachDB do not both run, or run differently: `lint_sql.py [PATH ...]`.

A comment on its line allows a finding that is right for a reason: `-- allow RULE: the reason`, or with `#` in Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pglast.parser import ParseError
from sql_rules import RULES
from sql_shapes import Schema, nullable_columns
from sql_sources import Source, sources_in
from sql_tree import Statement, statements_of

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "packages" / "server" / "src"


def main(arguments: list[str]) -> int:
    files = _files([Path(argument) for argument in arguments] or [SERVER])
    sources = [source for file in files for source in sources_in(file)]
    if not sources:
        print("There is no SQL here: wrong path?")
        return 2
    findings = list(dict.fromkeys(findings_in(sources)))  # what several statements share is found in each
    print(*findings, f"{len(sources)} texts of SQL, {len(findings)} findings", sep="\n")
    return int(bool(findings))


def findings_in(sources: Iterable[Source]) -> Iterator[str]:
    """Say `file:line: rule: why; instead` for everything that the rules find, and for what cannot be parsed."""
    statements: list[Statement] = []
    for source in sources:
        try:
            statements += statements_of(source)
        except ParseError as error:
            message, offset = error.args
            yield from _finding(
                source, offset or 0, "unreadable", message, "literals, and constants of the same module"
            )
    schema = nullable_columns(statement for statement in statements if _is_migration(statement.source.path))
    for statement in statements:
        yield from _findings(statement, schema)


def _findings(statement: Statement, schema: Schema) -> Iterator[str]:
    for rule in RULES:
        for offset in rule.find(statement, schema):
            yield from _finding(statement.source, offset, rule.name, rule.why, rule.instead)


def _finding(source: Source, offset: int, rule: str, why: str, instead: str) -> Iterator[str]:
    if not source.allows(rule, offset):
        yield f"{_shown(source.path)}:{source.line_at(offset)}: {rule}: {why}; instead: {instead}"


def _files(paths: list[Path]) -> list[Path]:
    return sorted(file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _is_migration(path: Path) -> bool:
    return path.suffix == ".sql" and not path.name.endswith(".rollback.sql")


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_absolute() and path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
