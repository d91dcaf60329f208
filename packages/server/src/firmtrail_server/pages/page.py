"""A line of the table of pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

import attrs

from firmtrail_server.auth.permissions import Scope
from firmtrail_server.db import Transaction
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.route import Route
from firmtrail_server.routes import ROUTES

Handler = Callable[..., Awaitable[Any]]

#: the API's own line of each of its handlers
ROUTE_OF = {route.handler: route for route in ROUTES}


@attrs.frozen(slots=False)
class Page:
    """One line: where a page is, what makes it, and whose access it has."""

    method: str
    path: str
    #: takes what a handler takes, asks handlers of the API, and returns one of results.py
    view: Handler
    #: The API's handler that the page is for: who may call that may open the page. None: everybody may.
    like: Handler | None = None
    #: whether the view works in the transaction that `like` has in the API
    in_transaction: bool = attrs.field(default=True, kw_only=True)
    #: takes what the view returned after the commit, and gives it back or another
    then: Callable[[PublicContext, Any], Awaitable[Any]] | None = attrs.field(default=None, kw_only=True)

    @cached_property
    def route(self) -> Route:
        """As the dispatcher knows it."""
        scope, transaction = Scope.PUBLIC, None
        if self.like is not None:
            of_api = ROUTE_OF[self.like]
            scope, transaction = of_api.scope, of_api.transaction if self.in_transaction else None
        if self.method == "GET" and transaction is not None:
            transaction = Transaction.READ
        return Route(self.method, self.path, self.view, scope, transaction, then=self.then, summary="A page for people")
