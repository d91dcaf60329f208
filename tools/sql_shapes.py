"""Questions about a statement that take more than one pattern: its lists, its writes, its columns that may be null.

This reads shapes, not grammar. What it does not see: columns that an outer join or an expression makes null, columns
of subqueries under another name, and tables altered in ways other than those of `nullable_columns`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sql_sources import Statement

#: the columns that may be null, by table
Schema = dict[str, set[str]]

_FLAGS = re.IGNORECASE | re.VERBOSE
_CREATE_TABLE = re.compile(r"create \s+ table \s+ (?:if\s+not\s+exists\s+)? (\w+) \s* \(", _FLAGS)
_ALTER_TABLE = re.compile(r"alter \s+ table \s+ (?:if\s+exists\s+)? (\w+)", _FLAGS)
_ADD_COLUMN = re.compile(r"add \s+ column \s+ (?:if\s+not\s+exists\s+)? (\w+) ([^,]*)", _FLAGS)
_ALTER_COLUMN = re.compile(r"alter \s+ (?:column\s+)? (\w+) \s+ (set|drop) \s+ not \s+ null", _FLAGS)
_PRIMARY_KEY = re.compile(r"primary \s+ key \s* \( ([\w\s,]+) \)", _FLAGS)
_NEVER_NULL = re.compile(r"not \s+ null | primary \s+ key", _FLAGS)
_CONSTRAINT = re.compile(r"\s* (?:constraint|primary|unique|check|foreign|exclude|like) \b", _FLAGS)
_TABLE = re.compile(r"\b (?:from|join|into|update) \s+ (\w+) (?: \s+ (?:as\s+)? (\w+) )?", _FLAGS)
_WRITE = re.compile(
    r"\b (?: (?:do|for|key|on) \s+ update \b | (?:insert\s+into|update|delete\s+from) \s+ (?:only\s+)? ([\w.]+) )",
    _FLAGS,
)
_ORDER_BY = re.compile(r"\border\s+by\b", _FLAGS)
_ORDER_END = re.compile(
    r"\b(?:limit|offset|fetch|for|rows|range|groups|union|except|intersect|returning|on\s+conflict)\b", _FLAGS
)
_ORDERED_COLUMN = re.compile(r"\s* (?:(\w+)\.)? (\w+) (?:::\w+)? (?:\s+(?:asc|desc))? \s* $", _FLAGS)
_CAST_OUTPUT = re.compile(r"\b (\w+) ::\s*\w+ (?:\s+as\s+(\w+))? \s* (?=,|\bfrom\b)", _FLAGS)
_OPERAND_END = re.compile(
    r",|;|[<>=]|\b(?:select|distinct|and|or|not|where|when|then|else|end|by|on|set|having|returning|values|from|as"
    r"|between|in|limit|offset)\b",
    _FLAGS,
)
_EXACT = re.compile(r"::\s*(?:float|double|real|decimal|numeric) | \b\d+\.\d | \bextract\s*\( | \binterval\b", _FLAGS)


def nullable_columns(migrations: Iterable[Statement]) -> Schema:
    """Read `create table`, `add column` and `set` or `drop not null`, in order."""
    schema: Schema = {}
    for statement in migrations:
        code = statement.code
        if created := _CREATE_TABLE.match(code):
            schema[created[1].lower()] = _created(inside(code, created.end()))
        elif altered := _ALTER_TABLE.match(code):
            _alter(schema.setdefault(altered[1].lower(), set()), code)
    return schema


def _created(body: str) -> set[str]:
    items = [item for _, item in split_list(body)]
    columns = [item for item in items if not _CONSTRAINT.match(item)]
    keys = {name.strip().lower() for key in _PRIMARY_KEY.findall(body) for name in key.split(",")}
    return {column.split()[0].lower() for column in columns if not _NEVER_NULL.search(column)} - keys


def _alter(nullable: set[str], code: str) -> None:
    for name, rest in _ADD_COLUMN.findall(code):
        if not _NEVER_NULL.search(rest):
            nullable.add(name.lower())
    for name, verb in _ALTER_COLUMN.findall(code):
        (nullable.discard if verb.lower() == "set" else nullable.add)(name.lower())


def inside(code: str, start: int) -> str:
    """The text from `start`, just after an opening parenthesis, to the one that closes it."""
    depth = 1
    for offset in range(start, len(code)):
        depth += {"(": 1, ")": -1}.get(code[offset], 0)
        if depth == 0:
            return code[start:offset]
    return code[start:]


def split_list(text: str) -> Iterator[tuple[int, str]]:
    """Cut at the commas outside all parentheses; each item with its offset."""
    start = depth = 0
    for offset, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield start, text[start:offset]
            start = offset + 1
    yield start, text[start:]


def conflict_expressions(statement: Statement, _: Schema) -> Iterator[int]:
    for match in re.finditer(r"\bon\s+conflict\s*\(", statement.code, re.IGNORECASE):
        for _offset, item in split_list(inside(statement.code, match.end())):
            if not re.fullmatch(r'\s*"?\w+"?\s*', item):
                yield match.start()
                break


def repeated_writes(statement: Statement, _: Schema) -> Iterator[int]:
    written: set[str] = set()
    for match in _WRITE.finditer(statement.code):
        table = match[1] and match[1].lower()  # none in `do update`, `for update`, `on update`
        if table and table in written:
            yield match.start()
        written.add(table)


def integer_divisions(statement: Statement, _: Schema) -> Iterator[int]:
    """Divisions where neither operand shows that it is not a whole number: by a cast, a decimal point or its unit."""
    code = statement.code
    for match in re.finditer(r"(?<![/*])/(?![/*])", code):
        if not _EXACT.search(_operand_before(code[: match.start()])) and not _EXACT.search(
            _operand_after(code[match.end() :])
        ):
            yield match.start()


def _operand_before(text: str) -> str:
    """The end of `text`, back to the operator, keyword or parenthesis that bounds it."""
    depth = 0
    for offset in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[offset], 0)
        if depth < 0 or (depth == 0 and _OPERAND_END.match(text, offset)):
            return text[offset + 1 :]
    return text


def _operand_after(text: str) -> str:
    depth = 0
    for offset, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or (depth == 0 and _OPERAND_END.match(text, offset)):
            return text[:offset]
    return text


def unplaced_nulls(statement: Statement, schema: Schema) -> Iterator[int]:
    """Ordered columns that may be null in a table that the statement names, without `nulls first` or `nulls last`."""
    tables = {(match[2] or match[1]).lower(): match[1].lower() for match in _TABLE.finditer(statement.code)}
    tables.update({table: table for table in tables.values()})
    for offset, qualifier, name in _ordered_columns(statement.code):
        sources = [tables[qualifier]] if qualifier in tables else set(tables.values())
        if any(name in schema.get(table, ()) for table in sources):
            yield offset


def orders_by_cast(statement: Statement, _: Schema) -> Iterator[int]:
    """`order by id` after `select id::text`: an unqualified name means the output column, the text."""
    casts = {match[1].lower() for match in _CAST_OUTPUT.finditer(statement.code) if match[2] in (None, match[1])}
    for offset, qualifier, name in _ordered_columns(statement.code):
        if not qualifier and name in casts:
            yield offset


def _ordered_columns(code: str) -> Iterator[tuple[int, str, str]]:
    """Offset, qualifier and name of every plain column in an `order by` that does not place its nulls."""
    for match in _ORDER_BY.finditer(code):
        clause = inside(code, match.end())
        end = next((found.start() for found in _ORDER_END.finditer(clause) if _depth(clause, found.start()) == 0), None)
        for offset, item in split_list(clause[:end]):
            if column := _ORDERED_COLUMN.match(item):
                start = match.end() + offset + (len(item) - len(item.lstrip()))
                yield start, (column[1] or "").lower(), column[2].lower()


def _depth(text: str, end: int) -> int:
    return text.count("(", 0, end) - text.count(")", 0, end)
