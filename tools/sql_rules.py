"""What SQL that must run on PostgreSQL and on CockroachDB avoids, why, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

import sql_shapes
from pglast import ast
from pglast.enums import ConstrType
from sql_shapes import Finder, any_of, calls, constraints, nodes, types


@dataclass(frozen=True)
class Rule:
    """Something to avoid; `find` gives the offsets at which a statement does it."""

    name: str
    find: Finder
    why: str
    instead: str


_REFUSED = "CockroachDB refuses it"
_RANGE = r"(int4|int8|num|ts|tstz|date)(multi)?range"

RULES = [
    Rule(
        "advisory-lock",
        calls(r"pg_(try_)?advisory_\w+"),
        "it does nothing on CockroachDB, silently",
        "a lease row, or a conditional update",
    ),
    Rule(
        "listen-notify",
        any_of(nodes(ast.ListenStmt), nodes(ast.UnlistenStmt), nodes(ast.NotifyStmt), calls("pg_notify")),
        _REFUSED,
        "poll by a cursor",
    ),
    Rule("date-bin", calls("date_bin"), _REFUSED, "date_trunc, or arithmetic on the epoch"),
    Rule("merge", nodes(ast.MergeStmt), _REFUSED, "insert ... on conflict, or update ... from"),
    Rule(
        "truncate-restart-identity",
        nodes(ast.TruncateStmt, lambda truncate: truncate.restart_seqs),
        _REFUSED,
        "plain truncate; keys are UUIDs",
    ),
    Rule("domain", nodes(ast.CreateDomainStmt), _REFUSED, "a plain type and a named check"),
    Rule(
        "range-type",
        any_of(types(_RANGE), calls(_RANGE), nodes(ast.CreateRangeStmt)),
        _REFUSED,
        "two plain columns and a check",
    ),
    Rule(
        "exclude-constraint",
        constraints(ConstrType.CONSTR_EXCLUSION),
        _REFUSED,
        "a key that makes the clash impossible",
    ),
    Rule(
        "deferrable",
        any_of(
            constraints(ConstrType.CONSTR_ATTR_DEFERRABLE, ConstrType.CONSTR_ATTR_DEFERRED),
            nodes(ast.Constraint, lambda constraint: constraint.deferrable),
            nodes(ast.ConstraintsSetStmt),
        ),
        _REFUSED,
        "write in the order that the constraint asks for",
    ),
    Rule(
        "nulls-not-distinct",
        any_of(
            nodes(ast.IndexStmt, lambda index: index.nulls_not_distinct),
            nodes(ast.Constraint, lambda constraint: constraint.nulls_not_distinct),
        ),
        _REFUSED,
        "a column that is not null, or a partial unique index",
    ),
    Rule("grouping-sets", nodes(ast.GroupingSet), _REFUSED, "one group by for each level, joined by union all"),
    Rule(
        "brin-or-hash-index",
        nodes(ast.IndexStmt, lambda index: index.accessMethod in {"brin", "hash"}),
        "CockroachDB has no such index",
        "a plain index",
    ),
    Rule(
        "partition",
        any_of(nodes(ast.PartitionSpec), nodes(ast.PartitionBoundSpec)),
        "CockroachDB partitions in another way",
        "one table, and deletion in batches",
    ),
    Rule(
        "on-conflict-expression",
        nodes(ast.InferClause, sql_shapes.infers_expression),
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
        any_of(
            types(r"(big|small)?serial[248]?"),
            nodes(ast.CreateSeqStmt),
            calls("nextval|setval|currval"),
            constraints(ConstrType.CONSTR_IDENTITY),
        ),
        "CockroachDB gives other numbers, and ascending keys heat one range",
        "uuid default gen_random_uuid()",
    ),
    Rule("select-star", nodes(ast.A_Star), "a prepared statement breaks when a column is added", "named columns"),
    Rule(
        "integer-division",
        nodes(ast.A_Expr, sql_shapes.divides_integers),
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
        sql_shapes.locks,
        "CockroachDB locks by best effort",
        "a conditional update, or for update skip locked where it only spreads work",
    ),
    Rule(
        "returning-old-new",
        any_of(nodes(ast.ReturningOption), sql_shapes.returns_old_or_new),
        "PostgreSQL 18 alone knows it",
        "read the row in a CTE before the write",
    ),
    Rule(
        "plpgsql",
        any_of(nodes(ast.DoStmt), nodes(ast.CreateTrigStmt), nodes(ast.CreateFunctionStmt, sql_shapes.is_in_plpgsql)),
        "CockroachDB knows another subset of it",
        "plain statements, or Python",
    ),
]
