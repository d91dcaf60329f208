"""Lines of the route table, and what serves them."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from typing import Any, cast, get_args, get_type_hints

import attrs
from aiohttp import web

from firmtrail_server.access import CHECKED_WHEN_WRITTEN, USER_SCOPES, Scope, User
from firmtrail_server.http.answers import Accepted, Created, Document
from firmtrail_server.http.auth import authenticate
from firmtrail_server.http.authorization import as_user, authorized
from firmtrail_server.http.context import CALLER, Context, PublicContext, Services, UserContext
from firmtrail_server.http.forms import FORM, read_form
from firmtrail_server.http.requests import Arguments, Named, read_json
from firmtrail_server.http.responses import REQUEST_ID, Response, document_response, empty_response, json_response
from firmtrail_server.http.rows import Rows, read_rows
from firmtrail_server.http.traffic import Meter

_PLACEHOLDER = re.compile(r"{(\w+)}")


@attrs.frozen(slots=False)
class Route:
    """One line of the API."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    scope: Scope

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
        if self.is_public:
            return PublicContext
        return UserContext if self.scope in USER_SCOPES else Context


class Endpoint:
    """Serves one route: who asks, request in, model out, and nothing else."""

    def __init__(self, route: Route, services: Services, meter: Meter) -> None:
        """Hold a handler to its route.

        Raises:
            TypeError: it does not take what the path and the scope give.
        """
        check(route)
        self.meter = meter
        self._services = services
        self._handler = route.handler
        self._scope = route.scope
        self._kind = route.context
        self.arguments = Arguments(route.hints, route.placeholders)
        self._read_body = _body_of(route)
        self._must_be_alive = route.scope not in CHECKED_WHEN_WRITTEN

    async def respond(self, request: web.BaseRequest, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError, web.HTTPException: it is refused.
        """
        ctx = await self._context(request, named)
        body = None
        if self._read_body is not None:
            is_whole = request.content.is_eof()
            body = await self._read_body(request)
            if not is_whole:  # who took their time to send it may have been shut out since
                ctx = await self._context(request, named)
        return _response(await self._handler(ctx, **self.arguments.read(request, named, body)))

    async def _context(self, request: web.BaseRequest, named: Named) -> PublicContext:
        services, scope, request_id = self._services, self._scope, request[REQUEST_ID]
        if self._kind is PublicContext:
            return PublicContext(services=services, request=request, request_id=request_id)
        caller = request[CALLER] = await authenticate(
            request, services.authentication, services.settings.trusted_proxies, must_be_alive=self._must_be_alive
        )
        if self._kind is UserContext:
            return UserContext(services=services, request=request, request_id=request_id, user=as_user(caller, scope))
        if isinstance(caller, User):
            named.check()  # without its id a user is in no project
        principal = await authorized(caller, named.ids, scope, services.database)
        return Context(services=services, request=request, request_id=request_id, principal=principal)


def _body_of(route: Route) -> Callable[[web.BaseRequest], Awaitable[Any]] | None:
    model = route.hints.get("body")
    if model is None:
        return None
    if model is Rows:
        return read_rows
    return partial(read_form, model=model) if route.takes_form else read_json


def _response(answer: Any) -> Response:
    if answer is None:
        return empty_response()
    if isinstance(answer, Document):
        return document_response(answer)
    if isinstance(answer, Created):
        return json_response(cast("Created[Any]", answer).body, 201)
    if isinstance(answer, Accepted):
        return json_response(cast("Accepted[Any]", answer).body, 202)
    return json_response(answer, 200)


def check(route: Route) -> None:
    """Hold a handler to its route: `ctx` first, then what the path gives, then `query` and `body` if it wants them."""
    name = f"{route.method} {route.path}: {route.handler.__name__}"
    first, *rest = inspect.signature(route.handler).parameters
    if route.hints[first] is not route.context:
        raise TypeError(f"{name} must take a {route.context.__name__} first, since its scope is {route.scope}")
    if {*route.placeholders} != {*rest} - {"query", "body"}:
        raise TypeError(f"{name} takes {rest}, but its path gives {route.placeholders}")
    if any(route.hints[one] is not uuid.UUID for one in route.placeholders):
        raise TypeError(f"{name} must take a UUID for what its path gives")
