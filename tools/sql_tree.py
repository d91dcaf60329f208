"""Statements as PostgreSQL's own parser reads them, and what the rules ask of their trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

from pglast import ast, parser
from sql_sources import Source

N = TypeVar("N", bound=ast.Node)


@dataclass(frozen=True)
class Statement:
    """One statement and its tree."""

    source: Source
    tree: ast.RawStmt

    @cached_property
    def _nodes(self) -> list[ast.Node]:
        return list(walk(self.tree.stmt))

    def nodes(self, *kinds: type[N]) -> Iterator[N]:
        return (node for node in self._nodes if isinstance(node, kinds))

    def offset(self, node: ast.Node) -> int:
        """Where a node stands, or its first part of which that is known; else where the statement begins."""
        return next(offsets(node), self.tree.stmt_location or 0)


def statements_of(source: Source) -> list[Statement]:
    """Read a text.

    Raises:
        parser.ParseError: it is no SQL that PostgreSQL knows.
    """
    return [Statement(source, tree) for tree in parser.parse_sql(source.text)]


def walk(node: object) -> Iterator[ast.Node]:
    """A node, or several, and all that is below."""
    if isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from walk(getattr(node, name))
    elif isinstance(node, tuple):
        for child in cast("tuple[object, ...]", node):
            yield from walk(child)


def offsets(node: ast.Node) -> Iterator[int]:
    """Where a node stands and all that is below, as far as that is known."""
    for part in walk(node):
        offset = getattr(part, "location", None)
        if offset is not None and offset >= 0:
            yield offset


def last_name(names: tuple[Any, ...] | None) -> str:
    """Of a qualified name the last part; nothing for a star."""
    return str(getattr(names[-1], "sval", "")) if names else ""


def column_name(node: object) -> tuple[str, str] | None:
    """Qualifier and name, if a node is a plain column."""
    if isinstance(node, ast.ColumnRef) and node.fields and (name := last_name(node.fields)):
        return last_name(node.fields[:-1]), name
    return None


def without_cast(node: object) -> object:
    return without_cast(node.arg) if isinstance(node, ast.TypeCast) else node
