"""Lists: a page of items and where the next one starts."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

from firmtrail_contract.limits import Range, Text

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000

page_token_limits = Text(1, 2_048)


@attrs.frozen(kw_only=True)
class PageQuery:
    """Which page of a list."""

    #: the most items the page may hold
    page_size: int = attrs.field(default=DEFAULT_PAGE_SIZE, validator=Range(1, MAX_PAGE_SIZE))
    #: `next_page_token` of the page before; opaque
    page_token: str | None = attrs.field(default=None, validator=attrs.validators.optional(page_token_limits))


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    #: pass it as `page_token` to get the next page; null on the last one
    next_page_token: str | None = None
