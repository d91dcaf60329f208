"""What docstrings and the `#:` comments above fields say, ready to be shown."""

from __future__ import annotations

import ast
import inspect
from itertools import takewhile
from textwrap import dedent


def paragraphs(docstring: str | None) -> list[str]:
    """Split a docstring at its empty lines, each paragraph on one line."""
    return [" ".join(part.split()) for part in inspect.cleandoc(docstring or "").split("\n\n") if part.strip()]


def sentence(text: str | None) -> str:
    """Make a fragment a sentence: a capital in front and a full stop behind."""
    text = " ".join((text or "").split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".") if text else ""


def field_comments(model: type) -> dict[str, str]:
    """Read the `#:` lines above the fields of a class and of those it inherits from."""
    comments: dict[str, str] = {}
    for owner in reversed(model.__mro__[:-1]):
        comments |= _comments_in(owner)
    return comments


def _comments_in(owner: type) -> dict[str, str]:
    if not owner.__annotations__:
        return {}
    source = dedent(inspect.getsource(owner))
    lines = [line.strip() for line in source.splitlines()]
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    comments: dict[str, str] = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            above = takewhile(lambda line: line.startswith("#:"), reversed(lines[: node.lineno - 1]))
            if text := " ".join(line.removeprefix("#:").strip() for line in reversed([*above])):
                comments[node.target.id] = text
    return comments
