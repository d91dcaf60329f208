"""Lists that fetch their pages as they are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from firmtrail._async.sender import AsyncSender
from firmtrail._calls import Call, decode
from firmtrail._checks import item_limit, page_query
from firmtrail._notebook import code
from firmtrail_contract import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")


class AsyncPager(Generic[T]):
    """A list on the server: iterating fetches page after page, and starts anew each time. `repr` fetches nothing."""

    def __init__(  # noqa: PLR0913  what to list, and how much of it
        self,
        transport: AsyncSender,
        path: str,
        item: type[T],
        *,
        limit: int | None,
        page_size: int | None,
        page_token: str | None,
        filters: Mapping[str, str | int] | None = None,
        page: type[Any] | None = None,
        is_whole: bool = False,
    ) -> None:
        self._transport = transport
        self._path = path
        self._item = item
        self._model = page or Page[item]
        self._last: Any = None
        #: the server gives all of it at once and takes no page_size
        self._is_whole = is_whole
        self._filters = filters or {}
        self._limit = item_limit(limit)
        self._start = page_query(page_size, page_token).page_token
        self._page_size = page_size or (DEFAULT_PAGE_SIZE if limit is None else MAX_PAGE_SIZE)
        #: pass it as `page_token` to go on behind the last page fetched; None when there is nothing behind it
        self.next_page_token: str | None = page_token

    @property
    def as_of(self) -> dt.datetime | None:
        """The moment that the page last fetched is about; None until then, and for a list that is about no moment."""
        return getattr(self._last, "as_of", None)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Iterate over pages. The last one is asked for no more than `limit` leaves, so that it can be resumed."""
        token, left = self._start, self._limit
        while left is None or left > 0:
            page = await self._fetch(token, self._page_size if left is None else min(self._page_size, left))
            token = self.next_page_token = page.next_page_token
            if left is not None:
                page = attrs.evolve(page, items=page.items[:left])
                left -= len(page.items)
            yield page
            if token is None:
                return

    async def first(self) -> T | None:
        """Fetch the first item alone; None if there is none."""
        token = self._start
        while self._limit != 0:
            page = await self._fetch(token, 1)
            token = page.next_page_token
            if page.items:
                return page.items[0]
            if token is None:
                break
        return None

    async def to_arrow(self, *, labels: Sequence[str] = ()) -> pa.Table:
        """Fetch all pages (with `limit`, that many items), and make an Arrow table of them, a row an item.

        Its columns and types are those of `firmtrail.frames.schema`, also when there are no items.

        Args:
            labels: keys of labels that get a column each (`labels.site`), null where an item has no such label.

        Raises:
            MissingExtraError: pyarrow is not installed (`firmtrail[arrow]`); nothing was fetched.
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        frames.check_installed("arrow")
        return frames.to_arrow([item async for item in self], self._item, labels=labels)

    async def to_polars(self, *, labels: Sequence[str] = ()) -> pl.DataFrame:
        """Fetch all pages (with `limit`, that many items), and make a polars frame of them: see `to_arrow`.

        Args:
            labels: keys of labels that get a column each (`labels.site`).

        Raises:
            MissingExtraError: polars or pyarrow is not installed (`firmtrail[polars]`); nothing was fetched.
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        frames.check_installed("polars")
        return frames.to_polars(await self.to_arrow(labels=labels))

    async def to_pandas(self, *, labels: Sequence[str] = ()) -> pd.DataFrame:
        """Fetch all pages (with `limit`, that many items), and make a pandas frame of them: see `to_arrow`.

        Args:
            labels: keys of labels that get a column each (`labels.site`).

        Raises:
            MissingExtraError: pandas or pyarrow is not installed (`firmtrail[pandas]`); nothing was fetched.
        """
        from firmtrail import frames  # noqa: PLC0415  who wants no frame pays for none

        frames.check_installed("pandas")
        return frames.to_pandas(await self.to_arrow(labels=labels))

    async def _fetch(self, token: str | None, page_size: int) -> Page[T]:
        query: dict[str, str | int] = {**self._filters}
        if not self._is_whole:
            query["page_size"] = page_size
        if token is not None:
            query["page_token"] = token
        answer = await self._transport.send(Call(method="GET", path=self._path, query=query, repeatable=True))
        self._last = decode(answer, self._model)
        return self._last

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._path}>"

    def _repr_html_(self) -> str:
        return code(repr(self))
