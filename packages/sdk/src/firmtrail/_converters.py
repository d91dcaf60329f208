"""How answers become models, and models JSON. All share these: each writes code for every model it meets."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from firmtrail_contract import lenient_converter

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

#: names every field that is wrong
thorough = lenient_converter()


def structured(said: Any, model: type[T]) -> T:
    """Read what is right the quick way, and look for all errors of what is not.

    Raises:
        BaseValidationError, Violation: it breaks the contract.
    """
    try:
        return _quick().structure(said, model)
    except Exception:  # noqa: BLE001  it raises whatever it is
        return thorough.structure(said, model)


@cache
def _quick() -> Converter:
    """Make one that stops at the first error; an agent reads answers only after its start."""
    return lenient_converter(all_errors=False)
