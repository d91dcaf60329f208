"""Where SQL stands: files of it, and string literals in Python, as the database gets them.

Placeholders are numbered. f-strings are put together from constants of their module, and from those that it imports
from another of the same tree; what cannot be resolved stays in braces, which no database reads.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: How a statement opens; strict enough to leave prose such as "update the device" alone.
_OPENING = re.compile(
    r"""\s*(?:--[^\n]*\s*)* (?:
        select\s | insert\s+into\s | update\s+[\w."]+\s+(?:(?:as\s+)?\w+\s+)?set\s | delete\s+from\s | merge\s+into\s
      | with\s+(?:recursive\s+)?\w+\s*(?:\([\w\s,]*\)\s*)?as\s+(?:(?:not\s+)?materialized\s+)?\(
      | (?:create|alter|drop)\s+(?:or\s+replace\s+|unique\s+|materialized\s+|temp\w*\s+)*
        (?:table|index|type|domain|sequence|view|schema|database|function|procedure|trigger|role|user|extension)\b
      | truncate\s | listen\s+\w+\s*;?$ | notify\s+\w+ | do\s+\$ | lock\s+table\s
      | begin\b[\w\s]*;?$ | set\s+constraints\s
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_EXECUTING = {"execute", "executemany", "stream", "copy", "SQL"}

#: a text, and the line that it begins in
_Piece = tuple[int, str]
_Constants = dict[str, ast.expr]


@dataclass(frozen=True)
class Source:
    """A text of SQL, as a rule one statement."""

    path: Path
    #: of the function or the constant that it stands in
    name: str
    pieces: tuple[_Piece, ...]

    @cached_property
    def parameters(self) -> list[str]:
        """The names of $1, $2, ..."""
        return list(dict.fromkeys(name for _, text in self.pieces for name in _PLACEHOLDER.findall(text)))

    @cached_property
    def text(self) -> str:
        return "".join(self._numbered(text) for _, text in self.pieces)

    def line_at(self, offset: int) -> int:
        """The line of the file in which a character of the text stands."""
        line, start = 1, 0
        for line, piece in self.pieces:
            text = self._numbered(piece)
            if offset < start + len(text):
                return line + text.count("\n", 0, offset - start)
            start += len(text)
        return line

    def allows(self, rule: str, offset: int = 0) -> bool:
        """Whether a comment on the line says why something is right there."""
        line = linecache.getline(str(self.path), self.line_at(offset))
        return re.search(rf"(?:--|#)\s*allow {rule}: \S", line) is not None

    def _numbered(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: f"${self.parameters.index(found[1]) + 1}", text)


def sources_in(path: Path) -> Iterator[Source]:
    """Read a .sql or .py file; other files have none."""
    if path.suffix == ".sql":
        yield Source(path, path.stem, ((1, path.read_text(encoding="utf-8")),))
    elif path.suffix == ".py":
        for name, pieces in _literals(path):
            yield Source(path, name, tuple(pieces))


def _literals(path: Path) -> Iterator[tuple[str, list[_Piece]]]:
    """Whatever is executed, and every string that opens like a statement; docstrings and parts of others apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    constants = dict(_imported(tree, path)) | dict(_constants(tree))
    nodes = list(ast.walk(tree))
    executed = {id(_meant(node.args[0], constants)) for node in nodes if isinstance(node, ast.Call) and _executes(node)}
    parts = {id(_meant(part, constants)) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for name, node in _named(tree):
        if isinstance(node, ast.expr) and id(node) not in parts | prose:
            pieces = _pieces(node, constants)
            if id(node) in executed or (_is_text(node) and _OPENING.match("".join(text for _, text in pieces))):
                yield name, pieces


def _executes(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.func, ast.Attribute) and call.func.attr in _EXECUTING


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_text(node.value):
            yield _name(node), node.value


def _imported(tree: ast.Module, path: Path) -> Iterator[tuple[str, ast.expr]]:
    """The constants of other modules. A line of theirs counts from the place that names them."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (source := _module_file(node, path)):
            module = ast.parse(source.read_text(encoding="utf-8"), str(source))
            constants = dict(_constants(module))
            for alias in node.names:
                if alias.name in constants:
                    text = "".join(piece for _, piece in _pieces(constants[alias.name], constants))
                    yield alias.asname or alias.name, ast.Constant(text, lineno=node.lineno)


def _module_file(node: ast.ImportFrom, path: Path) -> Path | None:
    """The file of an imported module, below one of the folders above the file that imports it."""
    name = Path(*(node.module or "").split(".")).with_suffix(".py")
    return next((folder / name for folder in path.resolve().parents if node.module and (folder / name).is_file()), None)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node with the name of the function, method or constant that it stands in."""
    for node in tree.body:
        for member in node.body if isinstance(node, ast.ClassDef) else [node]:
            for inner in ast.walk(member):
                yield _name(member), inner


def _name(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case _:
            return ""


def _meant(node: ast.expr, constants: _Constants) -> ast.expr:
    """The constant that an expression names, also between an f-string's braces; else the expression."""
    match node:
        case ast.Name(id=name) | ast.FormattedValue(value=ast.Name(id=name), conversion=-1, format_spec=None):
            return constants.get(name, node)
        case _:
            return node


def _pieces(node: ast.expr, constants: _Constants) -> list[_Piece]:
    match node:
        case ast.Constant(value=str(text)):
            return [(node.lineno, text)]
        case ast.JoinedStr():
            return list(_assembled(node, constants))
        case ast.FormattedValue(value=value):
            return _pieces(value, {})
        case _:
            return [(node.lineno, f"{{{ast.unparse(node)}}}")]


def _assembled(node: ast.JoinedStr, constants: _Constants) -> Iterator[_Piece]:
    line = node.lineno  # before Python 3.12 the parts do not know theirs
    for part in node.values:
        if isinstance(part, ast.Constant):
            yield line, str(part.value)
            line += str(part.value).count("\n")
        else:
            yield from _pieces(_meant(part, constants), constants)
