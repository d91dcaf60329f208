"""What the reference of the SDK is made from: docstrings that say what each argument is, and what can go wrong."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import firmtrail
from firmtrail import resources
from tests.sdk.test_signatures import functions

NAMES = [(module, name) for module in (firmtrail, resources) for name in module.__all__]
FUNCTIONS = {function.__qualname__: function for function in functions()}
#: whatever they are given is taken
WITHOUT_ERRORS = {"Login.__init__"}


def docstring(function: Callable[..., Any]) -> str:
    """A constructor is described at its class."""
    kind, _, name = function.__qualname__.rpartition(".")
    return inspect.getdoc(getattr(firmtrail, kind) if name == "__init__" else function) or ""


def parameters(function: Callable[..., Any]) -> set[str]:
    return {name for name in inspect.signature(function).parameters if not name.startswith("_")} - {"self", "cls"}


def described(text: str) -> set[str]:
    """The names that a section of arguments has a line for."""
    section = re.search(r"^Args:\n((?: .*\n?)+)", text, re.MULTILINE)
    return {*re.findall(r"^    (\w+): \S", section[1], re.MULTILINE)} if section else set()


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[name for _, name in NAMES])
def test_every_public_name_has_a_docstring_of_its_own(module: Any, name: str) -> None:
    assert getattr(module, name).__doc__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_says_what_each_argument_is(name: str) -> None:
    text = docstring(FUNCTIONS[name])

    assert text
    assert described(text) == parameters(FUNCTIONS[name])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if parameters(FUNCTIONS[name])])
def test_a_docstring_says_what_can_go_wrong(name: str) -> None:
    errors = re.findall(r"^Raises:\n    (\w+): \S", docstring(FUNCTIONS[name]), re.MULTILINE)

    assert bool(errors) is (name not in WITHOUT_ERRORS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_names_units(name: str) -> None:
    """Of moments, that they are aware; of a number that may have a fraction, what it counts."""
    text, arguments = docstring(FUNCTIONS[name]), inspect.signature(FUNCTIONS[name]).parameters.values()
    kinds = [str(one.annotation) for one in arguments]

    assert "aware" in text or not any("dt.datetime" in kind for kind in kinds)
    assert "seconds" in text or not any("float" in kind for kind in kinds)
