"""How answers become models, and models JSON. All share these: each writes code for every model it meets."""

from __future__ import annotations

from typing import Any, TypeVar

from firmtrail_contract import lenient_converter

T = TypeVar("T")

#: names every field that is wrong
thorough = lenient_converter()
#: stops at the first one, and raises whatever it is
_quick = lenient_converter(all_errors=False)


def structured(said: Any, model: type[T]) -> T:
    """Read what is right the quick way, and look for all errors of what is not.

    Raises:
        BaseValidationError, Violation: it breaks the contract.
    """
    try:
        return _quick.structure(said, model)
    except Exception:  # noqa: BLE001  it raises whatever it is
        return thorough.structure(said, model)
