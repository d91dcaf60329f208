"""What serves a line of the route table: who asks, request in, model out, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

import attrs

from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import KeyUnused, SecretUnproved
from firmtrail_server.http.authorization import as_user, authorized
from firmtrail_server.http.authorization_header import read_credential
from firmtrail_server.http.context import Context, PublicContext, Services, UserContext
from firmtrail_server.http.forms import read_form
from firmtrail_server.http.problems import refusal
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Arguments, Named, read_json
from firmtrail_server.http.responses import Response, document_response, empty_response, json_response
from firmtrail_server.http.results import Accepted, Created, Document
from firmtrail_server.http.route import Route
from firmtrail_server.http.rows import Rows, read_rows
from firmtrail_server.http.traffic import Meter
from firmtrail_server.services.authentication import Credential

T = TypeVar("T")


@attrs.define(eq=False)
class Call:
    """A request on its way to its handler."""

    request: Request
    named: Named
    #: None: the route is public
    credential: Credential | None


class Endpoint:
    """Serves one route."""

    def __init__(self, route: Route, services: Services, meter: Meter) -> None:
        """Hold a handler to its route.

        Raises:
            TypeError: it does not take what the path, the scope and the transaction give.
        """
        route.check()
        self.meter = meter
        self.arguments = Arguments(route.hints, route.placeholders)
        self.route = route
        self._is_in_project = "project_id" in route.placeholders
        self.services = services
        self._read_body = _body_of(route)

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        route, credential = self.route, None
        if not route.is_public:
            credential = request.caller = await self.credential(request)
        call = Call(request, named, credential)
        arguments = await self.read_arguments(call)
        if route.transaction is None:
            ctx = await self.permit(call)
            answer = await route.handler(ctx, **self._in_project(ctx, arguments))
        else:
            answer = await self._run(route.transaction, self._work, call, arguments)
        if route.then is not None:
            answer = await route.then(self._public(call), answer)
        return await self.render(call, answer)

    async def credential(self, request: Request) -> Credential:
        """Read who a request says it comes from."""
        return read_credential(request, self.services.authentication)

    async def render(self, call: Call, answer: Any) -> Response:  # noqa: ARG002  a page shows who asks
        """Make the response."""
        return response_of(answer)

    def refuse(self, error: Exception, request: Request) -> Response:
        """Make the response to a request that failed."""
        return refusal(error, request)

    async def read_arguments(self, call: Call) -> dict[str, Any]:
        """Read what the handler takes. Who may not call it learns nothing of what is wrong with the request."""
        body = None
        if self._read_body is not None:
            if not call.request.content.is_eof():  # a stranger's body is not waited for
                await self.permit(call)
            try:
                body = await self._read_body(call.request)
            except Exception:
                await self.permit(call)
                raise
        arguments = self.arguments.quick(call.request, call.named, body)
        if arguments is None:
            await self.permit(call)
            return self.arguments.read(call.request, call.named, body)
        return arguments

    async def permit(self, call: Call) -> PublicContext:
        """Authorise alone, in a transaction of its own."""
        if call.credential is None:
            return self._public(call)
        return await self._run(Transaction.READ, self._authorize, call)

    async def _work(self, conn: Connection, call: Call, arguments: dict[str, Any]) -> Any:
        """Authorise and work in one transaction: what was permitted still is when it commits."""
        ctx = await self._authorize(conn, call)
        return await self.route.handler(ctx, conn, **self._in_project(ctx, arguments))

    def _in_project(self, ctx: PublicContext, arguments: dict[str, Any]) -> dict[str, Any]:
        """Name the project that the caller was let into: a path may leave it to the API key."""
        if not self._is_in_project:
            return arguments
        return {**arguments, "project_id": cast("Context", ctx).principal.project_id}

    async def _run(self, kind: Transaction, work: Callable[..., Awaitable[T]], call: Call, *more: Any) -> T:
        while True:  # twice or three times at most: what was settled is not asked for again
            try:
                return await self.services.database.run(kind, work, call, *more)
            except (SecretUnproved, KeyUnused) as error:
                assert call.credential is not None
                address = self._public(call).address
                call.credential = await self.services.authentication.settle(call.credential, error, address)

    async def _authorize(self, conn: Connection, call: Call) -> PublicContext:
        if call.credential is None:
            return self._public(call)
        services, request, route = self.services, call.request, self.route
        caller = await services.authentication.identify(conn, call.credential)
        request_id, again = request.id, partial(self._authorize, call=call)
        if route.context is UserContext:
            user = as_user(caller, route.scope)
            return UserContext(services=services, request=request, request_id=request_id, reauthorize=again, user=user)
        principal = await authorized(conn, caller, call.named, route.scope)
        return Context(
            services=services, request=request, request_id=request_id, reauthorize=again, principal=principal
        )

    def _public(self, call: Call) -> PublicContext:
        return PublicContext(services=self.services, request=call.request, request_id=call.request.id)


def _body_of(route: Route) -> Callable[[Request], Awaitable[Any]] | None:
    model = route.hints.get("body")
    if model is None:
        return None
    if model is Rows:
        return read_rows
    return partial(read_form, model=model) if route.takes_form else read_json


def response_of(answer: Any) -> Response:
    """Make the response that a handler's answer stands for."""
    if answer is None:
        return empty_response()
    if isinstance(answer, Document):
        return document_response(answer)
    if isinstance(answer, Created):
        return json_response(cast("Created[Any]", answer).body, 201)
    if isinstance(answer, Accepted):
        return json_response(cast("Accepted[Any]", answer).body, 202)
    return json_response(answer, 200)
