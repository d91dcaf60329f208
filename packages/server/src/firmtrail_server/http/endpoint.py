"""Turns a line of the route table into an aiohttp handler: who asks, request in, model out, and nothing else."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property, partial
from typing import Any, cast, get_args, get_type_hints

import attrs
from aiohttp import hdrs, web

from firmtrail_server.access import CHECKED_WHEN_WRITTEN, USER_SCOPES, Scope, User
from firmtrail_server.http.address import client_address
from firmtrail_server.http.answers import Accepted, Created, Document
from firmtrail_server.http.auth import authenticate
from firmtrail_server.http.authorization import as_user, authorized
from firmtrail_server.http.context import CALLER, SERVICES, Context, PublicContext, Services, UserContext
from firmtrail_server.http.forms import FORM, read_form
from firmtrail_server.http.requests import Arguments, read_json
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
    handler = route.handler
    arguments = Arguments(route.hints, route.placeholders)
    read_body = _body_of(route)

    async def adapted(request: web.Request) -> web.StreamResponse:
        path = arguments.found_in_path(request)
        ctx = await _context(request, route, arguments, path)
        is_whole = request.content.is_eof()
        body = await read_body(request) if read_body else None
        if not is_whole:  # who took their time to send it may have been shut out since
            ctx = await _context(request, route, arguments, path)
        return _respond(await handler(ctx, **arguments.read(request, path, body)))

    if route.method == "GET":
        return web.get(route.path, adapted)  # and HEAD
    return web.route(route.method, route.path, adapted)


def _body_of(route: Route) -> Callable[[web.Request], Awaitable[Any]] | None:
    model = route.hints.get("body")
    if model is None:
        return None
    if model is Rows:
        return read_rows
    return partial(read_form, model=model) if route.takes_form else read_json


async def _context(
    request: web.Request, route: Route, arguments: Arguments, path: Mapping[str, uuid.UUID]
) -> PublicContext:
    services: Services = request.app[SERVICES]
    request_id = request[REQUEST_ID]
    find_address = partial(client_address, request, services.settings.trusted_proxies)
    authorization = request.headers.get(hdrs.AUTHORIZATION, "")
    if route.is_public:
        return PublicContext(
            services=services, find_address=find_address, request_id=request_id, authorization=authorization
        )
    caller = request[CALLER] = await authenticate(
        authorization,
        find_address,
        services.authentication,
        must_be_alive=route.scope not in CHECKED_WHEN_WRITTEN,
    )
    if route.context is UserContext:
        user = as_user(caller, route.scope)
        return UserContext(services=services, find_address=find_address, request_id=request_id, user=user)
    if isinstance(caller, User):
        path = arguments.checked_path(request)  # without its id a user is in no project
    principal = await authorized(caller, path, route.scope, services.database)
    return Context(services=services, find_address=find_address, request_id=request_id, principal=principal)


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
