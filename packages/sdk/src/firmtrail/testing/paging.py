"""Lists of the stand-in, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from firmtrail.testing.refusals import invalid_parameter
from firmtrail_contract import Page, PageQuery

T = TypeVar("T")


def page_of(
    items: Iterable[T], query: PageQuery, position: Callable[[T], tuple[str, ...]], *, descending: bool = False
) -> Page[T]:
    """Make a page of items, which `position` puts in order; texts alone, no two of one list alike."""
    ordered = sorted(items, key=position, reverse=descending)
    if query.page_token is not None:
        after = _read(query.page_token)
        ordered = [one for one in ordered if (position(one) < after if descending else position(one) > after)]
    listed = ordered[: query.page_size]
    if len(ordered) <= query.page_size:
        return Page(items=listed)
    return Page(items=listed, next_page_token=_written(position(listed[-1])))


def _written(position: tuple[str, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _read(token: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(base64.urlsafe_b64decode(token.encode("ascii")))))
    except (ValueError, TypeError):
        raise invalid_parameter("page_token", "must be the next_page_token of the page before, unchanged") from None
