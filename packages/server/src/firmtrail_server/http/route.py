"""A line of the route table."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Awaitable, Callable
from functools import cached_property
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

import attrs

from firmtrail_server.auth.permissions import REPORT_SCOPES, USER_SCOPES, Scope
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.http.context import Context, PublicContext, ReportContext, UserContext
from firmtrail_server.http.forms import FORM

_PLACEHOLDER = re.compile(r"{(\w+)}")


@attrs.frozen(slots=False)
class Route:
    """One line of the API."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    scope: Scope
    #: in which the caller is authorised and the handler works; None: the handler says itself when there is one
    transaction: Transaction | None = None
    #: what it is for, in a few words without a full stop
    summary: str = attrs.field(kw_only=True)
    #: All good answers, and those refusals that only the handler knows of, such as 409. `openapi.json` adds those of a
    #: route's kind: what may be wrong with credentials, path, query and body, and the server's own failures.
    statuses: tuple[int, ...] = attrs.field(default=(HTTPStatus.OK,), kw_only=True)
    #: takes the answer after the commit, and gives it back or another: for what must not happen within a transaction
    then: Callable[[PublicContext, Any], Awaitable[Any]] | None = attrs.field(default=None, kw_only=True)
    #: Whether the handler's own statement finds the key alive. Otherwise that is known before the handler is called.
    checks_liveness: bool = attrs.field(default=False, kw_only=True)
    #: Whether it answers with server-sent events as well, if that is what the client accepts, and waits for changes.
    sends_events: bool = attrs.field(default=False, kw_only=True)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The handler's parameters and its answer, by name."""
        return get_type_hints(self.handler)

    @cached_property
    def placeholders(self) -> list[str]:
        return _PLACEHOLDER.findall(self.path)

    @cached_property
    def takes_form(self) -> bool:
        """Whether the body is `Annotated[model, FORM]` rather than JSON."""
        return FORM in get_args(get_type_hints(self.handler, include_extras=True).get("body"))

    @property
    def is_public(self) -> bool:
        """Whether no key and no user is asked for."""
        return self.scope in {Scope.PUBLIC, Scope.METRICS}

    @property
    def context(self) -> type[PublicContext]:
        """What its handler must take first."""
        if self.checks_liveness:
            return ReportContext
        if self.is_public:
            return PublicContext
        return UserContext if self.scope in USER_SCOPES else Context

    def check(self) -> None:
        """Hold the handler to its route.

        `ctx` comes first, `conn` if there is a transaction, what the path gives, then `query` and `body` if it wants
        them.

        Raises:
            TypeError: it takes something else.
        """
        name = f"{self.method} {self.path}: {self.handler.__name__}"
        first, *rest = inspect.signature(self.handler).parameters
        if self.hints[first] is not self.context:
            raise TypeError(f"{name} must take a {self.context.__name__} first, since its scope is {self.scope}")
        if self.transaction is not None and (not rest or self.hints[rest.pop(0)] != Connection):
            raise TypeError(f"{name} must take a Connection second, since its route names a transaction")
        if {*self.placeholders} != {*rest} - {"query", "body"}:
            raise TypeError(f"{name} takes {rest}, but its path gives {self.placeholders}")
        if any(self.hints[one] is not uuid.UUID for one in self.placeholders):
            raise TypeError(f"{name} must take a UUID for what its path gives")
        if self.checks_liveness and self.scope not in REPORT_SCOPES:
            raise TypeError(f"{name} may not leave it to its handler whether a key is alive")
