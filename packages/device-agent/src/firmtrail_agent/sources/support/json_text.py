"""Parsing JSON that somebody else has written: whatever it is, there is a value or a SourceFailed."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from firmtrail_agent.sources.engine.source import SourceFailed


def parsed(text: str, place: str) -> Any:
    """Parse JSON. Numbers stay the text that they are: 1.10 is a version, and another one than 1.1."""
    with _explained(place):
        return _decoder().decode(text)


def printed(output: str, place: str) -> Any:
    """Parse the JSON object that a program prints, before and after which it may print lines of words."""
    start = 0 if output.startswith("{") else output.find("\n{") + 1
    with _explained(place):
        value, end = _decoder().raw_decode(output[start:].lstrip())
    if output[start:].lstrip()[end:].partition("\n")[0].strip():
        raise SourceFailed(f"{place} is not JSON: something stands behind it")
    return value


@contextmanager
def _explained(place: str) -> Generator[None]:
    try:
        yield
    except RecursionError:
        raise SourceFailed(f"{place} is nested too deeply") from None
    except ValueError as error:
        raise SourceFailed(f"{place} is not JSON: {error}") from None


def parsed_object(text: str, place: str) -> dict[str, Any]:
    value = parsed(text, place)
    if not isinstance(value, dict):
        raise SourceFailed(f"{place} is not a JSON object, but {kind(value)}")
    return cast("dict[str, Any]", value)


def at(value: Any, *path: str) -> Any:
    """Follow keys into nested objects; None where there is no such thing."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(key)
    return value


def items(value: Any) -> list[Any]:
    """Take the items of a list; none where there is no list."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def kind(value: Any) -> str:
    """Name what a value is, for a message."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names[type(value)]


def _decoder() -> json.JSONDecoder:
    return json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_once)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key of an object stands there twice")
    return found
