"""Page tokens: where a page ended, opaque to clients. They select nothing: every query is scoped by project anyway."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Protocol, TypeVar

import orjson

from firmtrail_contract import FieldError, FieldLocation, Page, ViolationCode, strict_converter
from firmtrail_server.errors import InvalidRequest

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = TypeVar("P")

_converter = strict_converter()


class Placed(Protocol[T_co]):
    """A row of a list: what is shown, and where it stands."""

    @property
    def shown(self) -> T_co: ...
    @property
    def position(self) -> object: ...


def page(rows: Sequence[Placed[T]], page_size: int) -> Page[T]:
    """Make a page of at most `page_size` items from a query that was asked for one more."""
    items = [row.shown for row in rows[:page_size]]
    if len(rows) <= page_size:
        return Page(items=items)
    return Page(items=items, next_page_token=_encode(rows[page_size - 1].position))


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
