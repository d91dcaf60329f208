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


def contractions(text: str) -> list[str]:
    """What of a migration an older server may not survive; nothing if the migration says why it may."""
    statements = re.sub(r"--[^\n]*", "", text)
    return [] if REASON.search(text) else [found[0] for found in CONTRACTING.finditer(statements)]


@pytest.mark.parametrize("path", NEWER, ids=lambda path: path.stem)
def test_a_new_migration_only_adds_or_says_why_it_may_take_away(path: Path) -> None:
    assert contractions(path.read_text(encoding="utf-8")) == []


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
