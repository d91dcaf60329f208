"""Where SQL stands: migration files, and string literals in Python, each cut into single statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
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
_NOT_CODE = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|'(?:[^']|'')*'|\$(?P<tag>(?:[a-z_]\w*)?)\$.*?\$(?P=tag)\$",
    re.IGNORECASE | re.DOTALL,
)
_EXECUTING = {"execute", "executemany", "stream", "copy", "SQL"}


@dataclass(frozen=True)
class Statement:
    """One statement, its comments and literals blanked."""

    path: Path
    #: of the statement's first character
    line: int
    code: str

    def line_at(self, offset: int) -> int:
        return self.line + self.code.count("\n", 0, offset)


def statements_in(path: Path) -> Iterator[Statement]:
    """Read a .sql or .py file; other files have none."""
    if path.suffix == ".sql":
        yield from _split(path, 1, path.read_text(encoding="utf-8"))
    elif path.suffix == ".py":
        for line, text in _literals(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            yield from _split(path, line, text)


def blanked(text: str) -> str:
    """Replace what is not code by spaces, but keep line breaks and the marks around literals."""
    return _NOT_CODE.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    text = match.group()
    hidden = re.sub(r"[^\n]", " ", text)
    return hidden if match["comment"] else text[0] + hidden[1:-1] + text[-1]


def _split(path: Path, first_line: int, text: str) -> Iterator[Statement]:
    code = blanked(text)
    for match in re.finditer(r"[^;\s][^;]*", code):
        line = first_line + code.count("\n", 0, match.start())
        yield Statement(path, line, match.group())


def _literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string that is executed or opens like a statement, wherever it stands; docstrings apart."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    executed = {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and _executes(node)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in prose | parts:
            continue
        text = _text(node)
        if text is not None and (id(node) in executed or _OPENING.match(text)):
            yield node.lineno, text


def _executes(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.func, ast.Attribute) and call.func.attr in _EXECUTING


def _text(node: ast.Constant | ast.JoinedStr) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
    return node.value if isinstance(node.value, str) else None
