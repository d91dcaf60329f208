"""Models as text, for programs that keep what they could not send, or what they got."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from cattrs import BaseValidationError

from firmtrail._converters import thorough
from firmtrail_contract import Violation

T = TypeVar("T")


def to_json(model: Any) -> str:
    """Write a model as the JSON that crosses the wire.

    Args:
        model: any model of the contract.

    Raises:
        TypeError: it is none.
    """
    return json.dumps(thorough.unstructure(model), separators=(",", ":"))


def from_json(text: str, model: type[T]) -> T:
    """Read what `to_json` wrote, also a newer version of it.

    Args:
        text: the JSON.
        model: the class of the model.

    Raises:
        ValueError: it is no such model.
    """
    try:
        return thorough.structure(json.loads(text), model)
    except (BaseValidationError, Violation, ValueError, RecursionError):
        reason = f"this is not the JSON of a {model.__name__}"
    raise ValueError(reason)
