"""What serves the feed: it repeats the handler until there are changes, or sends them while the client stays."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import attrs
from aiohttp import hdrs

from firmtrail_contract import FirmwareChanges, FirmwareChangesQuery
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import DomainError, MalformedRequest
from firmtrail_server.http.authorization_header import read_credential
from firmtrail_server.http.context import Context
from firmtrail_server.http.endpoint import Call, Endpoint
from firmtrail_server.http.event_stream import EVENT_STREAM, HEARTBEAT, EventStream, event
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response

_SECONDS_BETWEEN_HEARTBEATS = 20
_LAST_EVENT_ID = "Last-Event-ID"
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


@attrs.frozen
class FeedPage:
    """What was read, and of which project."""

    project_id: uuid.UUID
    changes: FirmwareChanges


class FeedEndpoint(Endpoint):
    """Waits for changes without a connection of the pool."""

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        credential = request.caller = await self.credential(request)
        call = Call(request, named, credential)
        arguments = await self.read_arguments(call)
        query: FirmwareChangesQuery = arguments["query"]
        if EVENT_STREAM in request.headers.get(hdrs.ACCEPT, ""):
            query = _resumed(query, request.headers.get(_LAST_EVENT_ID, ""))
            first = await self.begin(call, arguments, query)
            return EventStream(self._events(call, arguments, query, first))
        page = await self.read(call, arguments, query)
        deadline = asyncio.get_running_loop().time() + query.wait_seconds
        while not page.changes.items and (left := deadline - asyncio.get_running_loop().time()) > 0:
            query = attrs.evolve(query, after=page.changes.last_number)
            if not await self._wait(call, page, left):
                break
            page = await self.read(call, arguments, query)
        return await self.render(call, page.changes)

    async def begin(self, call: Call, arguments: dict[str, Any], query: FirmwareChangesQuery) -> FeedPage:
        """Read what a stream begins with."""
        return await self.read(call, arguments, query)

    def told(self, changes: FirmwareChanges) -> bytes:
        """Write what a stream says of a page."""
        if changes.items:
            return b"".join(event(one.number, one.kind, one) for one in changes.items)
        return event(changes.last_number, "position", {"last_number": changes.last_number})

    def check_expiry(self, call: Call) -> None:
        """Raise `TokenNotValid` when an access token has expired meanwhile."""
        if call.credential is not None and call.credential.token_scopes is not None:
            read_credential(call.request, self.services.authentication)

    async def read(self, call: Call, arguments: dict[str, Any], query: FirmwareChangesQuery) -> FeedPage:
        """Read what there is, also of what has no number yet. The caller is authorised each time."""
        arguments = {**arguments, "query": query}
        page = await self._run(Transaction.READ, self._page, call, arguments)
        if len(page.changes.items) == query.limit:
            return page
        if await self.services.feed.number(page.project_id) == page.changes.last_number:
            return page
        return await self._run(Transaction.READ, self._page, call, arguments)

    async def _page(self, conn: Connection, call: Call, arguments: dict[str, Any]) -> FeedPage:
        ctx = await self._authorize(conn, call)
        assert isinstance(ctx, Context)
        changes = await self.route.handler(ctx, conn, **self._in_project(ctx, arguments))
        return FeedPage(ctx.principal.project_id, changes)

    async def _wait(self, call: Call, page: FeedPage, seconds: float) -> bool:
        assert call.credential is not None
        return await self.services.feed_waits.wait(page.project_id, page.changes.last_number, call.credential, seconds)

    async def _events(
        self, call: Call, arguments: dict[str, Any], query: FirmwareChangesQuery, page: FeedPage
    ) -> AsyncGenerator[bytes]:
        """Give the changes for as long as the caller may read them. Who connects again is told why it ended."""
        with suppress(DomainError):
            while True:
                changes = page.changes
                yield self.told(changes)
                if not changes.items:
                    while not await self._wait(call, page, _SECONDS_BETWEEN_HEARTBEATS):
                        if self.services.feed_waits.is_over:
                            return
                        self.check_expiry(call)
                        yield HEARTBEAT
                page = await self.read(call, arguments, attrs.evolve(query, after=changes.last_number))


def _resumed(query: FirmwareChangesQuery, last_event_id: str) -> FirmwareChangesQuery:
    if not last_event_id:
        return query
    if not _NUMBER.fullmatch(last_event_id):
        raise MalformedRequest(f"{_LAST_EVENT_ID} must be the number of a change.")
    return attrs.evolve(query, after=int(last_event_id))
