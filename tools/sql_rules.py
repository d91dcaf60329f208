"""What SQL that must run on PostgreSQL and on CockroachDB avoids, why, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import sql_shapes
from sql_shapes import Schema
from sql_sources import Statement

Finder = Callable[[Statement, Schema], Iterable[int]]


@dataclass(frozen=True)
class Rule:
    """Something to avoid; `find` gives the offsets at which a statement does it."""

    name: str
    find: Finder
    why: str
    instead: str


def _pattern(pattern: str) -> Finder:
    compiled = re.compile(pattern, re.IGNORECASE)

    def find(statement: Statement, _: Schema) -> Iterator[int]:
        return (match.start() for match in compiled.finditer(statement.code))

    return find


_REFUSED = "CockroachDB refuses it"

RULES = [
    Rule(
        "advisory-lock",
        _pattern(r"\bpg_(?:try_)?advisory_\w+"),
        "it does nothing on CockroachDB, silently",
        "a lease row, or a conditional update",
    ),
    Rule(
        "listen-notify",
        _pattern(r"^(?:un)?listen\s|^notify\s|\bpg_notify\s*\("),
        _REFUSED,
        "poll by a cursor",
    ),
    Rule("date-bin", _pattern(r"\bdate_bin\s*\("), _REFUSED, "date_trunc, or arithmetic on the epoch"),
    Rule("merge", _pattern(r"\bmerge\s+into\b"), _REFUSED, "insert ... on conflict, or update ... from"),
    Rule(
        "truncate-restart-identity",
        _pattern(r"\btruncate\b[^;]*\brestart\s+identity\b"),
        _REFUSED,
        "plain truncate; keys are UUIDs",
    ),
    Rule("domain", _pattern(r"\bcreate\s+domain\b"), _REFUSED, "a plain type and a named check"),
    Rule(
        "range-type",
        _pattern(r"\b(?:int4|int8|num|ts|tstz|date)(?:multi)?range\b|\bcreate\s+type\s+\S+\s+as\s+range\b"),
        _REFUSED,
        "two plain columns and a check",
    ),
    Rule(
        "exclude-constraint",
        _pattern(r"\bexclude\s+using\b|\bexclude\s*\("),
        _REFUSED,
        "a key that makes the clash impossible",
    ),
    Rule(
        "deferrable",
        _pattern(r"\bdeferrable\b|\binitially\s+deferred\b|\bset\s+constraints\b"),
        _REFUSED,
        "write in the order that the constraint asks for",
    ),
    Rule(
        "nulls-not-distinct",
        _pattern(r"\bnulls\s+not\s+distinct\b"),
        _REFUSED,
        "a column that is not null, or a partial unique index",
    ),
    Rule(
        "grouping-sets",
        _pattern(r"\bgrouping\s+sets\b|\b(?:rollup|cube)\s*\("),
        _REFUSED,
        "one group by for each level, joined by union all",
    ),
    Rule(
        "brin-or-hash-index",
        _pattern(r"\busing\s+(?:brin|hash)\b"),
        "CockroachDB has no such index",
        "a plain index",
    ),
    Rule(
        "partition",
        _pattern(r"\bpartition\s+by\s+(?:range|list|hash)\s*\(|\bpartition\s+of\b"),
        "CockroachDB partitions in another way",
        "one table, and deletion in batches",
    ),
    Rule(
        "on-conflict-expression",
        sql_shapes.conflict_expressions,
        _REFUSED,
        "on conflict on columns, with a stored generated one if need be",
    ),
    Rule(
        "repeated-write",
        sql_shapes.repeated_writes,
        "CockroachDB refuses a statement that changes one table twice",
        "one write per table, or two statements in a transaction",
    ),
    Rule(
        "sequence",
        _pattern(
            r"\w+\s+(?:big|small)?serial[248]?\s*(?:,|\)|$|\b(?:primary|not|unique|check|references)\b)"
            r"|\bcreate\s+(?:temp\w*\s+)?sequence\b|\b(?:nextval|setval|currval)\s*\("
            r"|\bgenerated\s+(?:always|by\s+default)\s+as\s+identity\b"
        ),
        "CockroachDB gives other numbers, and ascending keys heat one range",
        "uuid default gen_random_uuid()",
    ),
    Rule(
        "select-star",
        _pattern(r"\b(?:select|returning)\s+(?:all\s+|distinct\s+)?\*|(?<=[\s,(])\w+\.\*"),
        "a prepared statement breaks when a column is added",
        "named columns",
    ),
    Rule(
        "integer-division",
        sql_shapes.integer_divisions,
        "CockroachDB makes a decimal where PostgreSQL makes a whole number",
        "floor(a::float8 / b), or divide in Python",
    ),
    Rule(
        "unplaced-nulls",
        sql_shapes.unplaced_nulls,
        "this column may be null, and CockroachDB puts nulls where PostgreSQL does not",
        "nulls first or nulls last",
    ),
    Rule(
        "order-by-cast",
        sql_shapes.orders_by_cast,
        "it sorts by the text of the output column, without an index",
        "qualify it with its table, or give the output another name",
    ),
    Rule(
        "for-update",
        # but that of open periods: on CockroachDB their transactions are SERIALIZABLE and need no lock (db/database.py)
        _pattern(
            r"\bfor\s+(?:no\s+key\s+)?update\b(?!\s+of\s+device_firmware\b|\s+(?:of\s+[\w\s,]+)?skip\s+locked)"
            r"|\bfor\s+(?:key\s+)?share\b"
        ),
        "CockroachDB locks by best effort",
        "a conditional update, or for update skip locked where it only spreads work",
    ),
    Rule(
        "returning-old-new",
        _pattern(r"\breturning\b[^;]*\b(?:old|new)\."),
        "PostgreSQL 18 alone knows it",
        "read the row in a CTE before the write",
    ),
    Rule(
        "plpgsql",
        _pattern(r"^do\s+(?:language\s+\w+\s+)?\$|\blanguage\s+'?plpgsql\b|\bcreate\s+(?:or\s+replace\s+)?trigger\b"),
        "CockroachDB knows another subset of it",
        "plain statements, or Python",
    ),
]
