"""What we use of other projects without their promise: each private name, why, and whether it is still as it was.

An upgrade that changes one fails here first. The dependencies in the packages' pyproject.toml are bounded accordingly.
"""

from __future__ import annotations

import ast
import inspect
import re
import ssl
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import attrs
import httpcore
import httpx
import pytest

ROOT = Path(__file__).parents[2]
#: documented all the same: of named tuples, of os, of type checkers
PUBLIC = {"_replace", "_asdict", "_fields", "_make", "_exit", "_typeshed"}
_TABLE = re.compile(r"\b_yoyo_\w+")


@attrs.frozen
class Private:
    """A name that its project calls private."""

    owner: str
    reason: str
    is_as_it_was: Callable[[], bool]


def pool_of(transport: Any) -> httpcore.ConnectionPool:
    assert isinstance(transport, httpx.HTTPTransport)
    assert isinstance(transport._pool, httpcore.ConnectionPool)
    return transport._pool


def yoyo(module: str) -> Any:
    """Import a module of yoyo, which has no types."""
    return import_module(f"yoyo.{module}")


def can_give_the_verified_chain() -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connection: Any = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    return sys.version_info >= (3, 13) or callable(connection._sslobj.get_verified_chain)


PRIVATE = {
    "_pool": Private(
        "httpx.HTTPTransport",
        "holds the network backend; a transport with one of one's own cannot be given to httpx",
        lambda: bool(pool_of(httpx.HTTPTransport()) and pool_of(httpx.HTTPTransport(proxy="http://127.0.0.1:1"))),
    ),
    "_network_backend": Private(
        "httpcore.ConnectionPool",
        "sees every read, so that a server that drips cannot hold a call beyond its timeout",
        lambda: isinstance(vars(pool_of(httpx.HTTPTransport()))["_network_backend"], httpcore.NetworkBackend),
    ),
    "_addr": Private(
        "nanoarrow.c_schema.CSchema, nanoarrow.c_array.CArray",
        "where a driver writes through Arrow's C stream interface, while other threads go on",
        lambda: import_module("nanoarrow.c_schema").allocate_c_schema()._addr() > 0,
    ),
    "_sslobj": Private(
        "ssl.SSLObject",
        "gives the verified certificates before Python 3.13, where that became public",
        can_give_the_verified_chain,
    ),
    "_yoyo_migration": Private(
        "yoyo",
        "a table that a killed process may have left unfinished, and that yoyo cannot go on from",
        lambda: yoyo("migrations").default_migration_table == "_yoyo_migration",
    ),
    "_yoyo_log": Private("yoyo", "the same", lambda: yoyo("backends.base").DatabaseBackend.log_table == "_yoyo_log"),
    "_yoyo_version": Private(
        "yoyo", "the same", lambda: yoyo("backends.base").DatabaseBackend.version_table == "_yoyo_version"
    ),
}


def sources() -> Iterator[Path]:
    """All of ours; to import a `__main__` would run it."""
    for file in sorted(ROOT.glob("packages/*/src/**/*.py")):
        if file.name != "__main__.py":
            yield file


def module_of(file: Path) -> ModuleType:
    parts = file.relative_to(ROOT).with_suffix("").parts
    names = parts[parts.index("src") + 1 :]
    return import_module(".".join(names[:-1] if names[-1] == "__init__" else names))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def is_foreign(kind: type) -> bool:
    top = kind.__module__.partition(".")[0]
    return top not in sys.stdlib_module_names and not top.startswith("firmtrail")


def names_in(tree: ast.AST) -> set[str]:
    """The private names that code touches or defines, those in `getattr(thing, "_name")` and in SQL included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case ast.Call(func=ast.Name(id="getattr" | "setattr"), args=[_, ast.Constant(value=str(name)), *_]):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.update(_TABLE.findall(text))
            case _:
                pass
    return {name for name in found if is_private(name)}


def touched_from_outside(tree: ast.AST) -> set[str]:
    """The private names that a module touches and does not define."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    by_itself: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            by_itself.add(node.attr)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            own |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return names_in(tree) - own - by_itself


def imported(tree: ast.AST) -> set[str]:
    """The private names and modules that a module imports of other projects."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith(("firmtrail", "__")):
            found |= {*node.module.split("."), *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {part for alias in node.names for part in alias.name.split(".")}
    return {name for name in found if is_private(name)}


def taken_over(module: ModuleType) -> set[str]:
    """The private names that a class of ours shares with a class of another project that it extends."""
    found: set[str] = set()
    for _, kind in inspect.getmembers(module, inspect.isclass):
        theirs = [base for base in kind.__mro__ if is_foreign(base)]
        if kind.__module__ == module.__name__ and theirs:
            ours = names_in(ast.parse(textwrap.dedent(inspect.getsource(kind))))
            found |= ours & set[str]().union(*map(code_names, theirs))
    return found


def code_names(kind: type) -> set[str]:
    """The private names that a class defines, or that its methods touch."""
    parts = [getattr(member, "fget", None) or getattr(member, "__func__", member) for member in vars(kind).values()]
    touched = [name for part in parts if inspect.isfunction(part) for name in names_of(part.__code__)]
    return {name for name in [*vars(kind), *touched] if is_private(name)}


def names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_of(constant)


#: how IPython asks for HTML, by its documentation
NOTEBOOKS = {"_repr_html_"}


def used() -> set[str]:
    found: set[str] = set()
    for file in sources():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found |= touched_from_outside(tree) | imported(tree) | taken_over(module_of(file))
    return found - NOTEBOOKS


def test_every_private_name_that_is_used_is_listed_here() -> None:
    assert used() == PRIVATE.keys()


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_name_still_means_what_it_did(name: str) -> None:
    assert PRIVATE[name].is_as_it_was(), f"{PRIVATE[name].owner}: {PRIVATE[name].reason}"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("pool._network = 1", "_network"),
        ("getattr(transport, '_pool', None)", "_pool"),
        ("client.execute('drop table _yoyo_lock')", "_yoyo_lock"),
    ],
)
def test_a_private_name_of_another_object_is_found(source: str, name: str) -> None:
    assert touched_from_outside(ast.parse(source)) == {name}


def test_a_private_import_is_found() -> None:
    assert imported(ast.parse("from httpx._config import _x")) == {"_config", "_x"}


def test_a_private_name_that_a_subclass_takes_over_is_found() -> None:
    assert "_pool" in taken_over(import_module("firmtrail._http"))
