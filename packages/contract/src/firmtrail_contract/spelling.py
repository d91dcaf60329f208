"""Query strings and forms know only text: what the numbers and the truths in them are spelt like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

_TRUE_OR_FALSE = {"true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def typed(query: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Query strings and forms know only text: give the fields that are numbers, or true or false, what they spell."""
    kinds = {field.name: field.type for field in attrs.fields(attrs.resolve_types(model))}
    return {name: _spelt(text, kinds.get(name)) for name, text in query.items()}


def _spelt(text: str, kind: Any) -> Any:
    if kind in (int, int | None) and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if kind in (bool, bool | None):
        return _TRUE_OR_FALSE.get(text, text)
    return text
