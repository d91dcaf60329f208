"""What a handler may return besides a plain model, which is a 200."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Created(Generic[T]):
    """The request made something new: 201."""

    body: T


@attrs.frozen
class Accepted(Generic[T]):
    """The request was taken; the answer does not tell what came of it: 202."""

    body: T


@attrs.frozen(kw_only=True)
class Document:
    """A finished document that is no model: a page, a specification."""

    content_type: str
    content: bytes
