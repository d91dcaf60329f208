"""What a database says of a statement: that it takes it, and which columns its rows have."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import psycopg
from pglast import ast, parser
from pglast.enums import A_Expr_Kind, BoolExprType, JoinType, NullTestType
from psycopg import pq

#: as the driver sends values of these types; of others the database finds out the type
_SENT_AS: dict[object, str] = {uuid.UUID: "uuid", dt.datetime: "timestamptz", dt.timedelta: "interval", bytes: "bytea"}


@attrs.frozen
class Column:
    """A column of a result."""

    name: str
    #: such as `int8` or `text[]`
    type: str
    #: False: it cannot be told
    may_be_null: bool = False


class StatementRefused(Exception):
    """The database does not take it."""


def result_columns(
    conn: psycopg.Connection, text: str, parameters: Sequence[str] = (), hints: Mapping[str, Any] | None = None
) -> list[Column]:
    """Prepare a statement whose parameters are numbered, and describe its result.

    `hints` has the types of parameters, as far as they are known.

    Raises:
        StatementRefused: the database's message says why.
    """
    types = conn.adapters.types
    sent = [_SENT_AS.get((hints or {}).get(name)) for name in parameters]
    prepared = conn.pgconn.prepare(b"", text.encode(), [types[name].oid if name else 0 for name in sent])
    if prepared.status != pq.ExecStatus.COMMAND_OK:
        raise StatementRefused(prepared.error_message.decode())
    result = conn.pgconn.describe_prepared(b"")
    [tree] = parser.parse_sql(text)
    in_table = _null_in_table(conn, result) - set(_not_null_by_condition(tree.stmt))
    nullable = in_table | set(_null_in_tree(tree.stmt))
    return [
        Column(bytes(result.fname(number) or b"").decode(), _type_name(conn, result.ftype(number)), number in nullable)
        for number in range(result.nfields)
    ]


def _type_name(conn: psycopg.Connection, oid: int) -> str:
    info = conn.adapters.types.get(oid)
    assert info is not None
    return f"{info.name}[]" if oid == info.array_oid else info.name


def _null_in_table(conn: psycopg.Connection, result: pq.abc.PGresult) -> set[int]:
    """The columns that come as they are from a table's column that may be null."""
    found = conn.execute(
        "select attrelid::int8, attnum from pg_attribute where attrelid = any(%s) and not attnotnull",
        [[result.ftable(number) for number in range(result.nfields)]],
    ).fetchall()
    return {number for number in range(result.nfields) if (result.ftable(number), result.ftablecol(number)) in found}


def _null_in_tree(statement: ast.Node | None) -> Iterator[int]:
    """The columns that are null by their text, or come from the far side of an outer join."""
    for leg in _legs(statement):
        joined = set(_outer_joined(leg))
        for number, target in enumerate(_targets(leg)):
            value = target.val.arg if isinstance(target.val, ast.TypeCast) else target.val
            names = _names(value)
            if (isinstance(value, ast.A_Const) and value.isnull) or (len(names) > 1 and names[0] in joined):
                yield number


def _not_null_by_condition(statement: ast.Node | None) -> Iterator[int]:
    """The columns that every selected row compares with something, or finds not to be null."""
    if not isinstance(statement, ast.SelectStmt):
        return  # what is returned has been changed since it was compared
    compared = list(_compared(statement.whereClause))
    for number, target in enumerate(_targets(statement)):
        if any(_may_be_same(_names(target.val), names) for names in compared):
            yield number


def _compared(condition: object) -> Iterator[tuple[str, ...]]:
    match condition:
        case ast.BoolExpr(boolop=BoolExprType.AND_EXPR, args=args):
            for part in args or ():
                yield from _compared(part)
        case ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, lexpr=left, rexpr=right):
            yield _names(left)
            yield _names(right)
        case ast.NullTest(nulltesttype=NullTestType.IS_NOT_NULL, arg=arg):
            yield _names(arg)
        case _:
            pass


def _may_be_same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Compare names of columns, as far as both have qualifiers."""
    length = min(len(one), len(other))
    return length > 0 and one[-length:] == other[-length:]


def _legs(statement: ast.Node | None) -> Iterator[ast.Node | None]:
    """The parts of a union, or the statement itself."""
    if isinstance(statement, ast.SelectStmt) and statement.larg:
        yield from _legs(statement.larg)
        yield from _legs(statement.rarg)
    else:
        yield statement


def _targets(statement: ast.Node | None) -> tuple[ast.ResTarget, ...]:
    if isinstance(statement, ast.SelectStmt):
        return statement.targetList or ()
    returning = getattr(statement, "returningClause", None)
    return returning.exprs if returning else ()


def _names(node: object) -> tuple[str, ...]:
    """A column's name and its qualifiers; nothing for other expressions."""
    return tuple(field.sval for field in node.fields or ()) if isinstance(node, ast.ColumnRef) else ()


def _outer_joined(leg: ast.Node | None) -> Iterator[str]:
    for item in getattr(leg, "fromClause", None) or ():
        yield from _aliases(item, is_outer=False)


def _aliases(item: Any, *, is_outer: bool) -> Iterator[str]:
    """The names of what an outer join fills up with nulls."""
    if isinstance(item, ast.JoinExpr):
        yield from _aliases(item.larg, is_outer=is_outer or item.jointype in {JoinType.JOIN_RIGHT, JoinType.JOIN_FULL})
        yield from _aliases(item.rarg, is_outer=is_outer or item.jointype in {JoinType.JOIN_LEFT, JoinType.JOIN_FULL})
    elif is_outer:
        yield item.alias.aliasname if item.alias else item.relname
