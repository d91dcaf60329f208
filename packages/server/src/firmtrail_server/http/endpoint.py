"""Turns a line of the route table into an aiohttp handler: who asks, request in, model out, and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, cast, get_args, get_type_hints

import attrs
from aiohttp import hdrs, web

from firmtrail_server.access import CHECKED_WHEN_WRITTEN, USER_SCOPES, Scope, User
from firmtrail_server.http.address import client_address
from firmtrail_server.http.answers import Accepted, Created, Document
from firmtrail_server.http.auth import authenticate
from firmtrail_server.http.authorization import as_user, authorized
from firmtrail_server.http.context import SERVICES, Context, PublicContext, Services, UserContext
from firmtrail_server.http.forms import FORM, read_form
from firmtrail_server.http.requests import Arguments, read_body
from firmtrail_server.http.responses import REQUEST_ID, document_response, json_response
from firmtrail_server.http.rows import Rows, read_rows

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
        return self.scope is Scope.PUBLIC

    @property
    def context(self) -> type[PublicContext]:
        """What its handler must take first."""
        if self.is_public:
            return PublicContext
        return UserContext if self.scope in USER_SCOPES else Context


def bind(route: Route) -> web.RouteDef:
    """Make the aiohttp route.

    Raises:
        TypeError: the handler does not take what the path and the scope give.
    """
    _check(route)
    hints, placeholders = route.hints, route.placeholders

    async def adapted(request: web.Request) -> web.StreamResponse:
        arguments = Arguments()
        for name in placeholders:
            arguments.add_path(name, request.match_info[name], hints[name])
        ctx = await _context(request, route, arguments)
        arguments.add_query(request.query, hints.get("query"))
        if "body" in hints:
            arguments.add_body(await _body(request, route), hints["body"])
        return _respond(await route.handler(ctx, **arguments.checked()))

    if route.method == "GET":
        return web.get(route.path, adapted)  # and HEAD
    return web.route(route.method, route.path, adapted)


async def _context(request: web.Request, route: Route, path: Arguments) -> PublicContext:
    services: Services = request.app[SERVICES]
    address = client_address(request, services.settings.trusted_proxies)
    request_id = request[REQUEST_ID]
    if route.is_public:
        return PublicContext(services=services, address=address, request_id=request_id)
    caller = await authenticate(
        request.headers.get(hdrs.AUTHORIZATION, ""),
        address,
        services.authentication,
        must_be_alive=route.scope not in CHECKED_WHEN_WRITTEN,
    )
    if route.context is UserContext:
        user = as_user(caller, route.scope)
        return UserContext(services=services, address=address, request_id=request_id, user=user)
    ids = path.checked() if isinstance(caller, User) else path.found  # without its id a user is in no project
    principal = await authorized(caller, ids, route.scope, services.database)
    return Context(services=services, address=address, request_id=request_id, principal=principal)


async def _body(request: web.Request, route: Route) -> Any:
    model = route.hints["body"]
    if model is Rows:
        return await read_rows(request)
    return await (read_form(request, model) if route.takes_form else read_body(request))


def _respond(answer: Any) -> web.Response:
    if answer is None:
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    if isinstance(answer, Document):
        return document_response(answer)
    if isinstance(answer, Created):
        return json_response(cast("Created[Any]", answer).body, 201)
    if isinstance(answer, Accepted):
        return json_response(cast("Accepted[Any]", answer).body, 202)
    return json_response(answer, 200)


def _check(route: Route) -> None:
    """Hold a handler to its route: `ctx` first, then what the path gives, then `query` and `body` if it wants them."""
    name = f"{route.method} {route.path}: {route.handler.__name__}"
    first, *rest = inspect.signature(route.handler).parameters
    if route.hints[first] is not route.context:
        raise TypeError(f"{name} must take a {route.context.__name__} first, since its scope is {route.scope}")
    if {*route.placeholders} != {*rest} - {"query", "body"}:
        raise TypeError(f"{name} takes {rest}, but its path gives {route.placeholders}")
