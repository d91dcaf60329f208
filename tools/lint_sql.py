"""Find SQL that PostgreSQL and CockroachDB do not both run, or run differently: `lint_sql.py [PATH ...]`.

A finding that is right for a reason is allowed by a comment on its line: `-- allow RULE: the reason`.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from sql_rules import RULES
from sql_shapes import Schema, nullable_columns
from sql_sources import Statement, statements_in

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "packages" / "server" / "src"


def main(arguments: list[str]) -> int:
    files = _files([Path(argument) for argument in arguments] or [SERVER])
    statements = [statement for file in files for statement in statements_in(file)]
    if not statements:
        print("There is no SQL here: wrong path?")
        return 2
    findings = list(findings_in(statements))
    print(*findings, f"{len(statements)} statements, {len(findings)} findings", sep="\n")
    return int(bool(findings))


def findings_in(statements: list[Statement]) -> Iterator[str]:
    """Say `file:line: rule: why; instead` for everything that the rules find."""
    schema = nullable_columns(statement for statement in statements if _is_migration(statement.path))
    for statement in statements:
        yield from _findings(statement, schema)


def _findings(statement: Statement, schema: Schema) -> Iterator[str]:
    for rule in RULES:
        for offset in rule.find(statement, schema):
            line = statement.line_at(offset)
            if not re.search(rf"--\s*allow {rule.name}: \S", linecache.getline(str(statement.path), line)):
                yield f"{_shown(statement.path)}:{line}: {rule.name}: {rule.why}; instead: {rule.instead}"


def _files(paths: list[Path]) -> list[Path]:
    return sorted(file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _is_migration(path: Path) -> bool:
    return path.suffix == ".sql" and not path.name.endswith(".rollback.sql")


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_absolute() and path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
