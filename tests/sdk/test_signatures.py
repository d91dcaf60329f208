"""What the signatures of the SDK show: names that a program may use, one verb for a change, a pager for a list."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, cast, get_args, get_type_hints

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from matplotlib.axes import Axes

import firmtrail
from firmtrail import AsyncPager, Pager, resources

SOURCE = Path(__file__).parents[2] / "packages/sdk/src/firmtrail"
CLIENTS = (firmtrail.Client, firmtrail.AsyncClient)
RESOURCES = [getattr(resources, name) for name in resources.__all__]
PAGERS = [
    firmtrail.Pager,
    firmtrail.AsyncPager,
    firmtrail.DevicePager,
    firmtrail.AsyncDevicePager,
    firmtrail.HistoryPager,
    firmtrail.AsyncHistoryPager,
]
#: what the SDK imports only when it is asked for it
OF_EXTRAS = {"pa": pa, "pl": pl, "pd": pd, "Axes": Axes}
#: what a program makes itself; the constructors of the others are for the library
MADE_BY_PROGRAMS = [*CLIENTS, firmtrail.ApiKey, firmtrail.Login]
#: where a name of a signature may come from besides the standard library
PUBLIC = {getattr(firmtrail, name) for name in firmtrail.__all__} | {*RESOURCES}


def functions() -> Iterator[Callable[..., Any]]:
    """Every public function and method of the SDK, and the constructors that programs call."""
    yield from (firmtrail.from_json, firmtrail.to_json)
    for kind in [*MADE_BY_PROGRAMS, *RESOURCES, *PAGERS]:
        for name, member in inspect.getmembers(kind):
            function = (
                getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", member)
            )
            is_made = name == "__init__" and kind in MADE_BY_PROGRAMS
            if (is_made or not name.startswith("_")) and isinstance(function, FunctionType):
                yield function


def named(function: Callable[..., Any]) -> str:
    return function.__qualname__


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of a signature; a property of a client imports its own when it is asked for."""
    return get_type_hints(function, localns=vars(resources) | OF_EXTRAS)


def parts(hint: Any) -> Iterator[Any]:
    """A type and all that it is made of."""
    yield hint
    for one in get_args(hint):
        for each in cast("list[Any]", one) if isinstance(one, list) else [one]:
            yield from parts(each)


@pytest.mark.parametrize("function", [*dict.fromkeys(functions())], ids=named)
def test_no_signature_names_what_a_program_cannot_import(function: Callable[..., Any]) -> None:
    assert not [name for name in inspect.signature(function).parameters if name.startswith("_")]
    private = {
        part
        for hint in hints_of(function).values()
        for part in parts(hint)
        if inspect.isclass(part) and part.__module__.startswith("firmtrail") and part not in PUBLIC
    }
    assert private == set()


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_part_of_a_client_has_a_public_type(kind: type) -> None:
    attributes = [member.func for member in vars(kind).values() if isinstance(member, cached_property)]

    assert attributes
    assert {hints_of(function)["return"] for function in attributes} <= {*RESOURCES}


@pytest.mark.parametrize("kind", RESOURCES)
def test_every_list_is_a_pager(kind: Any) -> None:
    if hasattr(kind, "list"):
        given = hints_of(kind.list)["return"]
        assert issubclass(getattr(given, "__origin__", given), Pager | AsyncPager)


def test_what_changes_a_thing_is_called_update() -> None:
    changing = {
        function.name
        for file in (SOURCE / "_async").glob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.AsyncFunctionDef) and "method='PATCH'" in ast.unparse(function)
    }

    assert changing == {"update", "update_me"}


@pytest.mark.parametrize("kind", RESOURCES)
def test_labels_are_a_mapping_everywhere(kind: Any) -> None:
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        labels = None if name.startswith("_") else hints_of(method).get("labels")
        assert labels is None or "Mapping[str, str" in str(labels), name
