"""Lists that fetch their pages as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from firmtrail._calls import Call, decode
from firmtrail._sync.transport import Transport
from firmtrail_contract import Page

T = TypeVar("T")


class Pager(Generic[T]):
    """A list on the server: iterating fetches page after page, and starts anew each time. `repr` fetches nothing."""

    def __init__(  # noqa: PLR0913  what to list, and how much of it
        self,
        transport: Transport,
        path: str,
        item: type[T],
        *,
        limit: int | None,
        page_size: int | None,
        page_token: str | None,
    ) -> None:
        self._transport = transport
        self._path = path
        self._item = item
        self._limit = limit
        self._page_size = page_size
        self._start = page_token
        #: where the page after the last one fetched starts; None before the first page and after the last
        self.next_page_token: str | None = page_token

    def __iter__(self) -> Iterator[T]:
        left = self._limit
        if left == 0:
            return
        for page in self.pages():
            for item in page.items:
                yield item
                if left is not None:
                    left -= 1
                    if left == 0:
                        return

    def pages(self) -> Iterator[Page[T]]:
        """Iterate over whole pages, whatever `limit` says."""
        token = self._start
        while True:
            page = self._fetch(token)
            token = self.next_page_token = page.next_page_token
            yield page
            if token is None:
                return

    def first(self) -> T | None:
        """Fetch the first item; None if the list is empty."""
        page = self._fetch(self._start, page_size=1)
        return page.items[0] if page.items else None

    def _fetch(self, token: str | None, page_size: int | None = None) -> Page[T]:
        size = page_size or self._page_size
        query: dict[str, str | int] = {}
        if size is not None:
            query["page_size"] = size
        if token is not None:
            query["page_token"] = token
        answer = self._transport.send(Call(method="GET", path=self._path, query=query, repeatable=True))
        return decode(answer, Page[self._item])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._path}>"
