"""How answers become models, and models JSON. All share these: each writes code for every model it meets."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from firmtrail_contract import lenient_converter

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

#: an answer of fewer bytes is not worth importing orjson for: an agent gets no larger one
LARGE = 8 * 1024

#: names every field that is wrong
thorough = lenient_converter()


def structured(content: bytes, model: type[T]) -> T:
    """Read JSON the quick way, and what that refuses the thorough way, which has the last word and names all errors.

    So it makes no difference whether there is an orjson. It takes nothing that `json` does not, and reads the same, but
    for whole numbers beyond 64 bits: it makes floats of them, which the quick converter refuses for whole numbers.

    Raises:
        BaseValidationError, Violation: it breaks the contract.
        ValueError, RecursionError: it is not JSON.
    """
    try:
        loads = _quick_loads() if len(content) >= LARGE else json.loads
        return _quick().structure(loads(content), model)
    except Exception:  # noqa: BLE001  it raises whatever it is
        return thorough.structure(json.loads(content), model)


@cache
def _quick_loads() -> Callable[[bytes], Any]:
    try:
        import orjson  # noqa: PLC0415  an agent on a small device needs none
    except ImportError:
        return json.loads
    return orjson.loads


@cache
def _quick() -> Converter:
    """Make one that stops at the first error; an agent reads answers only after its start."""
    return lenient_converter(all_errors=False)
