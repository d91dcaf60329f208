"""What the rules look for in a tree: kinds of nodes, calls and types, and shapes that take more than one node.

Names are not resolved as a database does it. Not seen: columns that an outer join or an expression makes null, and
columns of subqueries under another name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pglast import ast
from pglast.enums import A_Expr_Kind, AlterTableType, ConstrType, LockClauseStrength, LockWaitPolicy, SortByNulls
from sql_tree import Statement, column_name, last_name, offsets, walk, without_cast

N = TypeVar("N", bound=ast.Node)

#: the columns that may be null, by table
Schema = dict[str, set[str]]
#: gives the offsets at which a statement has what it looks for
Finder = Callable[[Statement, Schema], Iterable[int]]

_WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
_NEVER_NULL = {ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_PRIMARY}
_EXACT_TYPES = {"float4", "float8", "numeric", "interval"}
_FOR_SHARE = {LockClauseStrength.LCS_FORSHARE, LockClauseStrength.LCS_FORKEYSHARE}


def nodes(kind: type[N], is_meant: Callable[[N], object] = lambda _: True) -> Finder:
    return lambda statement, _: (statement.offset(node) for node in statement.nodes(kind) if is_meant(node))


def calls(name: str) -> Finder:
    """Calls of functions whose whole name matches a pattern."""
    return nodes(ast.FuncCall, lambda call: re.fullmatch(name, last_name(call.funcname)))


def types(name: str) -> Finder:
    """Types whose whole name matches a pattern."""
    return nodes(ast.TypeName, lambda type_name: re.fullmatch(name, last_name(type_name.names)))


def constraints(*kinds: ConstrType) -> Finder:
    return nodes(ast.Constraint, lambda constraint: constraint.contype in kinds)


def any_of(*finders: Finder) -> Finder:
    return lambda statement, schema: (offset for find in finders for offset in find(statement, schema))


def nullable_columns(migrations: Iterable[Statement]) -> Schema:
    """Read `create table`, `add column` and `set` or `drop not null`, in order."""
    schema: Schema = {}
    for statement in migrations:
        for created in statement.nodes(ast.CreateStmt):
            schema[_table(created.relation)] = _created(created)
        for altered in statement.nodes(ast.AlterTableStmt):
            _alter(schema.setdefault(_table(altered.relation), set()), altered)
    return schema


def _created(table: ast.CreateStmt) -> set[str]:
    parts = table.tableElts or ()
    keys = {
        key.sval
        for part in parts
        if isinstance(part, ast.Constraint) and part.contype is ConstrType.CONSTR_PRIMARY
        for key in part.keys or ()
    }
    return {str(part.colname) for part in parts if isinstance(part, ast.ColumnDef) and _may_be_null(part)} - keys


def _alter(nullable: set[str], table: ast.AlterTableStmt) -> None:
    for command in table.cmds or ():
        match command.subtype:
            case AlterTableType.AT_AddColumn if _may_be_null(command.def_):
                nullable.add(command.def_.colname)
            case AlterTableType.AT_DropNotNull:
                nullable.add(command.name)
            case AlterTableType.AT_SetNotNull | AlterTableType.AT_DropColumn:
                nullable.discard(command.name)
            case _:
                pass


def _may_be_null(column: ast.ColumnDef) -> bool:
    return all(constraint.contype not in _NEVER_NULL for constraint in column.constraints or ())


def _table(relation: ast.RangeVar | None) -> str:
    return str(relation and relation.relname)


def infers_expression(conflict: ast.InferClause) -> bool:
    return any(element.expr for element in conflict.indexElems or ())


def is_in_plpgsql(function: ast.CreateFunctionStmt) -> bool:
    return any(
        option.defname == "language" and str(option.arg.sval).lower() == "plpgsql" for option in function.options or ()
    )


def repeated_writes(statement: Statement, _: Schema) -> Iterator[int]:
    written: set[str] = set()
    relations = [write.relation for write in statement.nodes(*_WRITES) if write.relation]
    for relation in sorted(relations, key=statement.offset):
        if _table(relation) in written:
            yield statement.offset(relation)
        written.add(_table(relation))


def divides_integers(expression: ast.A_Expr) -> bool:
    """Divisions where neither operand shows that it is not a whole number: by a cast, a decimal point or its unit."""
    is_division = expression.kind is A_Expr_Kind.AEXPR_OP and last_name(expression.name) == "/"
    return is_division and not any(_shows_fraction(node) for node in walk((expression.lexpr, expression.rexpr)))


def _shows_fraction(node: ast.Node) -> bool:
    match node:
        case ast.TypeName():
            return last_name(node.names) in _EXACT_TYPES
        case ast.FuncCall():
            return last_name(node.funcname) == "extract"
        case _:
            return isinstance(node, ast.Float)


def unplaced_nulls(statement: Statement, schema: Schema) -> Iterator[int]:
    """Ordered columns that may be null in a table that the statement names, without `nulls first` or `nulls last`."""
    tables = {
        str(relation.alias.aliasname if relation.alias else relation.relname): _table(relation)
        for relation in statement.nodes(ast.RangeVar)
    }
    for sort in statement.nodes(ast.SortBy):
        column = column_name(without_cast(sort.node))
        if column and sort.sortby_nulls is SortByNulls.SORTBY_NULLS_DEFAULT:
            qualifier, name = column
            sources = [tables[qualifier]] if qualifier in tables else tables.values()
            if any(name in schema.get(table, ()) for table in sources):
                yield statement.offset(sort)


def orders_by_cast(statement: Statement, _: Schema) -> Iterator[int]:
    """`order by id` after `select id::text`: an unqualified name means the output column, the text."""
    for select in statement.nodes(ast.SelectStmt):
        casts = set(_cast_outputs(select))
        for sort in select.sortClause or ():
            if column_name(sort.node) in casts:
                yield statement.offset(sort)


def _cast_outputs(select: ast.SelectStmt) -> Iterator[tuple[str, str]]:
    """Name, without a qualifier, every column that is put out as a cast under its own name."""
    while select.larg:
        select = select.larg
    for target in select.targetList or ():
        column = column_name(without_cast(target.val))
        if column and isinstance(target.val, ast.TypeCast) and target.name in {None, column[1]}:
            yield "", column[1]


def locks(statement: Statement, _: Schema) -> Iterator[int]:
    for select in statement.nodes(ast.SelectStmt):
        if any(not _is_allowed(clause) for clause in select.lockingClause or ()):
            before = max(offsets(select), default=0)
            yield before + statement.source.text[before:].lower().find("for ")  # the clause does not know its place


def _is_allowed(clause: ast.LockingClause) -> bool:
    """Locks that spread work; and that of open periods, which CockroachDB does not need.

    There their transactions are SERIALIZABLE (db/database.py).
    """
    if clause.strength in _FOR_SHARE:
        return False
    tables = [_table(relation) for relation in clause.lockedRels or ()]
    return clause.waitPolicy is LockWaitPolicy.LockWaitSkip or tables == ["device_firmware"]


def returns_old_or_new(statement: Statement, _: Schema) -> Iterator[int]:
    for returning in statement.nodes(ast.ReturningClause):
        for node in walk(returning):
            column = column_name(node)
            if column and column[0] in {"old", "new"}:
                yield statement.offset(node)
