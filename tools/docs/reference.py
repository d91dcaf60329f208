"""The pages of the SDK's reference: which public name stands on which. What is said of each is its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from types import ModuleType
from typing import Any

import firmtrail
from firmtrail import errors, frames, plots, resources

PAGES = [f"reference/{name}" for name in ("client", "resources", "lists", "models", "errors", "frames")]


def reference() -> dict[str, str]:
    """Write each page, by the name of its file. A name that no other page takes is on that of the models."""
    pages = {
        "client": ["Client", "ApiKey", "Login", "RawResponse"],
        "lists": ["Pager", "DevicePager", "HistoryPager", "FollowedChanges", "ExportProgress"],
        "errors": [name for name in firmtrail.__all__ if getattr(firmtrail, name).__module__ == errors.__name__],
    }
    twins = [name for name in firmtrail.__all__ if name.startswith("Async")]
    models = {*firmtrail.__all__}.difference(twins, *pages.values())
    written = {
        "client": _page("The client", _names(pages["client"]), _twin("AsyncClient")),
        "resources": _page("Calls", _text(resources), *_resources()),
        "lists": _page("Lists", _names(pages["lists"]), *(_twin(name) for name in twins if name != "AsyncClient")),
        "models": _page("Models", *_by_noun(models)),
        "errors": _page("Errors", _text(errors), _names(pages["errors"])),
        "frames": _page("Frames and pictures", *map(_module, (frames, plots))),
    }
    return {f"reference/{name}.rst": text for name, text in written.items()}


def _page(title: str, *parts: Iterable[str]) -> str:
    return "\n".join([*_title(title, "="), *(line for part in parts for line in part), ""])


def _title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _text(module: ModuleType) -> list[str]:
    """Show what a module says of all that is in it, as it stands."""
    return [".. code-block:: text", "", *(f"   {line}" for line in (module.__doc__ or "").splitlines()), ""]


def _names(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        kind = "function" if inspect.isfunction(getattr(firmtrail, name)) else "class"
        yield from (f".. auto{kind}:: firmtrail.{name}", "")


def _resources() -> Iterator[list[str]]:
    for name in resources.__all__:
        if not name.startswith("Async"):
            yield [*_title(name, "-"), f".. autoclass:: firmtrail.resources.{name}", ""]
            yield _twin(f"resources.Async{name}")


def _twin(name: str) -> list[str]:
    """Name a class whose calls are awaited, and show them at the other one alone."""
    place, _, last = f"firmtrail.{name}".rpartition(".")
    twin = f":class:`~{place}.{last.removeprefix('Async')}`"
    return [
        f".. class:: {place}.{last}",
        "",
        f"   {twin}, whose calls are awaited, and lists read by ``async for``.",
        "",
    ]


def _by_noun(names: Iterable[str]) -> Iterator[list[str]]:
    def noun(name: str) -> str:
        return getattr(firmtrail, name).__module__.rpartition(".")[2].strip("_").replace("_", " ").capitalize()

    for title, group in groupby(sorted(names, key=lambda name: (noun(name), name)), noun):
        yield [*_title(title, "-"), *_names(group)]


def _module(module: ModuleType) -> list[str]:
    functions: list[tuple[str, Callable[..., Any]]] = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, one in functions if one.__module__ == module.__name__ and not name.startswith("_")]
    shown = [f".. autofunction:: {module.__name__}.{name}\n" for name in own]
    return [*_title(module.__name__, "-"), *_text(module), *shown]
