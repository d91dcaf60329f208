"""Page tokens: where a page ended, opaque to clients. They select nothing: every query is scoped by project anyway."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TypeVar

import orjson

from firmtrail_contract import FieldError, FieldLocation, Page, ViolationCode, strict_converter
from firmtrail_server.errors import InvalidRequest

T = TypeVar("T")
P = TypeVar("P")

_converter = strict_converter()


def page(items: list[T], page_size: int, position_of: Callable[[T], object]) -> Page[T]:
    """Make a page of at most `page_size` items from a query that was asked for one more."""
    if len(items) <= page_size:
        return Page(items=items)
    items = items[:page_size]
    return Page(items=items, next_page_token=_encode(position_of(items[-1])))


def position(token: str | None, beginning: P) -> P:
    """Read where to go on, or start at the beginning.

    Raises:
        InvalidRequest: this server has made no such token.
    """
    if token is None:
        return beginning
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(token.encode("ascii")))
        return _converter.structure(decoded, type(beginning))
    except (ValueError, binascii.Error, ExceptionGroup):
        detail = "must be the next_page_token of the page before, unchanged"
        error = FieldError(
            location=FieldLocation.QUERY, pointer="/page_token", code=ViolationCode.MALFORMED, detail=detail
        )
        raise InvalidRequest([error]) from None


def _encode(position: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(_converter.unstructure(position))).decode()
