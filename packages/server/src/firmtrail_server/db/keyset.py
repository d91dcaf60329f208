"""Lists, page by page: what orders a list, and the tokens that say where a page ended.

A token is opaque to clients, and bound to the list and the filters whose page it ended. It selects nothing: every query
is scoped by project anyway.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs
import orjson

from firmtrail_contract import (
    FieldError,
    FieldLocation,
    Page,
    PageQuery,
    Text,
    Violation,
    ViolationCode,
    strict_converter,
)
from firmtrail_server.errors import InvalidRequest

T = TypeVar("T")

EARLIEST: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
LATEST: Final = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
LOWEST_ID: Final = uuid.UUID(int=0)
HIGHEST_ID: Final = uuid.UUID(int=2**128 - 1)

#: a value for each column that orders a list, as parameters of its statement
Position = Mapping[str, Any]

_converter = strict_converter()
_text = Text(0, 200)
_LEAST, _MOST = -(2**63), 2**63 - 1


@attrs.frozen
class Keyset:
    """What orders a list: columns that its rows have as attributes, unique together."""

    #: no two lists have the same
    list_name: str
    #: before the first row
    beginning: Position

    def position(self, query: PageQuery, owner: uuid.UUID) -> Position:
        """Read where to go on, or start at the beginning.

        `owner` is what the list belongs to: a project, a device, a user.

        Raises:
            InvalidRequest: this server has made no such token for this list and these filters.
        """
        if query.page_token is None:
            return self.beginning
        try:
            content: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(query.page_token.encode("ascii")))
            at: dict[str, Any] = content["at"]
            if content["of"] == self._fingerprint(query, owner) and at.keys() == self.beginning.keys():
                return {name: _read(at[name], start) for name, start in self.beginning.items()}
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, Violation):
            pass
        detail = "must be the next_page_token of the page before, unchanged, with the same filters"
        error = FieldError(
            location=FieldLocation.QUERY, pointer="/page_token", code=ViolationCode.MALFORMED, detail=detail
        )
        raise InvalidRequest([error])

    def page(self, rows: Sequence[T], query: PageQuery, owner: uuid.UUID) -> Page[T]:
        """Make a page of at most `query.page_size` items from a query that was asked for one more."""
        items = list(rows[: query.page_size])
        if len(rows) <= query.page_size:
            return Page(items=items)
        at = {name: _converter.unstructure(getattr(items[-1], name)) for name in self.beginning}
        content = {"of": self._fingerprint(query, owner), "at": at}
        return Page(items=items, next_page_token=base64.urlsafe_b64encode(orjson.dumps(content)).decode())

    def _fingerprint(self, query: PageQuery, owner: uuid.UUID) -> str:
        filters = attrs.asdict(query, filter=lambda field, _: field.name not in ("page_size", "page_token"))
        return hashlib.blake2b(repr((self.list_name, owner, filters)).encode(), digest_size=9).hexdigest()


def _read(value: Any, start: object) -> Any:
    """Read a value as its column can hold it: clients may have written the token themselves."""
    read = _converter.structure(value, type(start))
    if isinstance(read, str):
        _text.check(read)
    elif isinstance(read, int) and not _LEAST <= read <= _MOST:
        raise ValueError
    return read
