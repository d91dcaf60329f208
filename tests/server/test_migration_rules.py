"""Migrations expand first and contract a version later (docs/migrations.md), so that two versions can serve at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmtrail_server.db.schema import MIGRATIONS

#: those before it were made before there was a version that could serve beside them
FIRST = "0040"
NEWER = [
    path for path in sorted(MIGRATIONS.glob("*.sql")) if path.name >= FIRST and not path.name.endswith(".rollback.sql")
]
#: what an older server's statements stumble over
CONTRACTING = re.compile(
    r"\bdrop\s+(?:table|column|view)\b|\brename\b|\bset\s+not\s+null\b|\balter\s+(?:column\s+)?\w+\s+(?:set\s+data\s+)?type\b"
    r"|\badd\s+column\s+(?:if\s+not\s+exists\s+)?\w+\s+[^,;]*\bnot\s+null\b(?![^,;]*\b(?:default|generated)\b)",
    re.IGNORECASE,
)
REASON = re.compile(r"^-- contracts: .+", re.MULTILINE)


#: tables are filled, and reports wait for an index of one, unless it is made beside them
FIRST_BESIDE_REPORTS = "0065"
INDEXED = re.compile(
    r"\bcreate\s+(?:unique\s+)?index\s+(concurrently\s+)?(?:if\s+not\s+exists\s+)?(\w+)\s+on\s+(\w+)", re.IGNORECASE
)
MADE = re.compile(r"\bcreate\s+table\s+(?:if\s+not\s+exists\s+)?(\w+)", re.IGNORECASE)


def standing_indexes(text: str) -> list[str]:
    """The indexes for which reports would wait, or which would stay unfinished after a kill."""
    statements = re.sub(r"--[^\n]*", "", text)
    made = set(MADE.findall(statements))
    is_beside = re.search(r"^-- transactional: false$", text, re.MULTILINE)
    return [
        name
        for concurrently, name, table in INDEXED.findall(statements)
        if table not in made
        and not (is_beside and concurrently and re.search(rf"\bdrop\s+index\s+if\s+exists\s+{name}\b", statements))
    ]


def contractions(text: str) -> list[str]:
    """What of a migration an older server may not survive; nothing if the migration says why it may."""
    statements = re.sub(r"--[^\n]*", "", text)
    return [] if REASON.search(text) else [found[0] for found in CONTRACTING.finditer(statements)]


@pytest.mark.parametrize("path", NEWER, ids=lambda path: path.stem)
def test_a_new_migration_only_adds_or_says_why_it_may_take_away(path: Path) -> None:
    assert contractions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "path", [path for path in NEWER if path.name >= FIRST_BESIDE_REPORTS], ids=lambda path: path.stem
)
def test_reports_go_on_while_a_new_migration_makes_an_index(path: Path) -> None:
    assert standing_indexes(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("create index if not exists one_idx on devices (id);", ["one_idx"]),
        ("create index concurrently one_idx on devices (id);", ["one_idx"]),
        ("-- transactional: false\ncreate index concurrently if not exists one_idx on devices (id);", ["one_idx"]),
        ("-- transactional: false\ndrop index if exists a_idx;\ncreate index concurrently a_idx on devices (id);", []),
        ("create table if not exists new (id uuid);\ncreate unique index if not exists new_idx on new (id);", []),
    ],
)
def test_an_index_that_reports_wait_for_is_found(text: str, found: list[str]) -> None:
    assert standing_indexes(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "drop table if exists devices;",
        "alter table devices drop column if exists label;",
        "alter table devices rename column label to name;",
        "alter table devices alter column label type int8;",
        "alter table devices alter label set not null;",
        "alter table devices add column if not exists label text not null;",
    ],
)
def test_a_contraction_is_found_and_its_reason_accepted(text: str) -> None:
    assert contractions(text)
    assert not contractions(f"-- contracts: no server since 0.2 reads it\n{text}")


@pytest.mark.parametrize(
    "text",
    [
        "create table if not exists t (id uuid not null);",
        "alter table devices add column if not exists label text;",
        "alter table devices add column if not exists label text not null default '';",
        "drop index if exists devices_label_idx; -- drop table devices",
    ],
)
def test_an_expansion_is_no_contraction(text: str) -> None:
    assert contractions(text) == []
