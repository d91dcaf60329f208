"""Page tokens: where a page ended, opaque to clients, and bound to the list and the filters that it ended.

They select nothing: every query is scoped by project anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Sequence
from typing import Protocol, TypeVar

import attrs
import orjson

from firmtrail_contract import FieldError, FieldLocation, Page, PageQuery, ViolationCode, strict_converter
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


def page(rows: Sequence[Placed[T]], query: PageQuery, owner: uuid.UUID) -> Page[T]:
    """Make a page of at most `query.page_size` items from a query that was asked for one more.

    `owner` is what the list belongs to: a project, a device, a user.
    """
    items = [row.shown for row in rows[: query.page_size]]
    if len(rows) <= query.page_size:
        return Page(items=items)
    last = rows[query.page_size - 1].position
    content = {"of": _list_name(query, owner, type(last)), "at": _converter.unstructure(last)}
    return Page(items=items, next_page_token=base64.urlsafe_b64encode(orjson.dumps(content)).decode())


def position(query: PageQuery, beginning: P, owner: uuid.UUID) -> P:
    """Read where to go on, or start at the beginning.

    Raises:
        InvalidRequest: this server has made no such token for this list and these filters.
    """
    if query.page_token is None:
        return beginning
    try:
        content = orjson.loads(base64.urlsafe_b64decode(query.page_token.encode("ascii")))
        name, after = content["of"], _converter.structure(content["at"], type(beginning))
    except (ValueError, KeyError, TypeError, binascii.Error, ExceptionGroup):
        name, after = None, beginning
    if name != _list_name(query, owner, type(beginning)):
        detail = "must be the next_page_token of the page before, unchanged, with the same filters"
        error = FieldError(
            location=FieldLocation.QUERY, pointer="/page_token", code=ViolationCode.MALFORMED, detail=detail
        )
        raise InvalidRequest([error])
    return after


def _list_name(query: PageQuery, owner: uuid.UUID, order: type) -> str:
    filters = attrs.asdict(query, filter=lambda field, _: field.name not in ("page_size", "page_token"))
    return hashlib.blake2b(repr((order.__name__, owner, filters)).encode(), digest_size=9).hexdigest()
