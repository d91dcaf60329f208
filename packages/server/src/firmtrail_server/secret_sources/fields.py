"""One field of what a store keeps under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firmtrail_server.secret_sources.errors import SecretUnreadable


def field_of(secret: Mapping[str, Any], field: str | None) -> str:
    """Take a field; without a name, the only one there is.

    Raises:
        SecretUnreadable: there is no such field, or it is no text.
    """
    if field is None and len(secret) != 1:
        raise SecretUnreadable("has several fields: name one behind a #.")
    value = secret.get(field) if field is not None else next(iter(secret.values()))
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value):
        raise SecretUnreadable(f"has no field {field!r} with a text.")
    return str(value)
