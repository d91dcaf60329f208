"""How a page asks the API: each handler under the scope of its own route, in the page's transaction."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs

from firmtrail_server.db import Connection
from firmtrail_server.errors import ScopeMissing
from firmtrail_server.http.context import Context
from firmtrail_server.pages.page import ROUTE_OF, Handler


@attrs.frozen
class ApiCalls:
    """Asks handlers for one request of one caller in one project."""

    _ctx: Context
    _conn: Connection

    def may(self, handler: Handler) -> bool:
        """Say whether the caller may call a handler, so that a page need not offer what would be refused."""
        return self._ctx.principal.may(ROUTE_OF[handler].scope)

    async def __call__(self, handler: Handler, **arguments: Any) -> Any:
        """Call a handler with the arguments of its route.

        Raises:
            ScopeMissing: the caller may not.
            DomainError: whatever the handler refuses.
        """
        scope = ROUTE_OF[handler].scope
        if not self._ctx.principal.may(scope):
            raise ScopeMissing(scope)
        return await handler(self._ctx, self._conn, **arguments)

    async def if_permitted(self, handler: Handler, **arguments: Any) -> Any | None:
        """Call a handler, or return None where the caller may not."""
        return await self(handler, **arguments) if self.may(handler) else None

    def now(self) -> dt.datetime:
        return self._ctx.now()
