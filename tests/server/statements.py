"""The server's statements, and what its code makes of their rows."""

from __future__ import annotations

import ast
import importlib
import typing
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

import firmtrail_server
from tools.sql_sources import Source, sources_in

PACKAGE = Path(firmtrail_server.__file__).parent
ROOMS = ("queries", "db")


@attrs.frozen
class Statement:
    """A statement of the server, and the module that it stands in."""

    source: Source
    module: ModuleType

    @property
    def name(self) -> str:
        """Module and function, and the line where a function may have several statements: in `db`."""
        name = f"{self.module.__name__.removeprefix('firmtrail_server.').removeprefix('queries.')}.{self.source.name}"
        return name if self.is_query else f"{name}:{self.source.line_at(0)}"

    @property
    def is_query(self) -> bool:
        return ".queries." in self.module.__name__

    @property
    def model(self) -> type | None:
        """What its rows become by `row_factory=rows(Model)`."""
        name = row_models(self.module).get(self.source.name)
        return getattr(self.module, name) if name else None

    @property
    def hints(self) -> dict[str, Any]:
        """The types of its function's parameters, and of what it returns."""
        function: Callable[..., Any] | None = getattr(self.module, self.source.name, None)
        return typing.get_type_hints(function) if callable(function) else {}


def find_statements() -> list[Statement]:
    paths = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]
    return [
        Statement(source, importlib.import_module(_module_name(path)))
        for path in paths
        for source in sources_in(path)
        if not source.allows("unreadable")
    ]


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def row_models(module: ModuleType) -> dict[str, str]:
    """The names of models, by the functions that make rows of them: one a function."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    found = [
        (function.name, model)
        for function in tree.body
        if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef)
        for node in ast.walk(function)
        for model in _row_model(node)
    ]
    assert len(dict(found)) == len(found), "a function makes rows of two models"
    return dict(found)


def _row_model(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(func=ast.Name(id="rows"), args=[ast.Name(id=model)]):
            yield model
        case _:
            pass
