"""What serves a line of the route table: who asks, request in, model out, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast

import attrs
from aiohttp import web

from firmtrail_server.authentication import Credential
from firmtrail_server.db import Connection, Transaction
from firmtrail_server.errors import SecretUnproved
from firmtrail_server.http.answers import Accepted, Created, Document
from firmtrail_server.http.auth import read_credential
from firmtrail_server.http.authorization import as_user, authorized
from firmtrail_server.http.context import (
    CALLER,
    Context,
    PublicContext,
    ReportContext,
    Services,
    UserContext,
)
from firmtrail_server.http.forms import read_form
from firmtrail_server.http.requests import Arguments, Named, read_json
from firmtrail_server.http.responses import REQUEST_ID, Response, document_response, empty_response, json_response
from firmtrail_server.http.route import Route
from firmtrail_server.http.rows import Rows, read_rows
from firmtrail_server.http.traffic import Meter
from firmtrail_server.meaning import Sender

T = TypeVar("T")


@attrs.define(eq=False)
class _Call:
    """A request on its way to its handler."""

    request: web.BaseRequest
    named: Named
    #: None: the route is public
    credential: Credential | None
    arguments: dict[str, Any] = attrs.field(factory=dict[str, Any])


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
        self._route = route
        self._context = route.context
        self._services = services
        self._read_body = _body_of(route)

    async def respond(self, request: web.BaseRequest, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError, web.HTTPException: it is refused.
        """
        call = _Call(request, named, self._credential(request))
        call.arguments = await self._arguments(call)
        answer = await self._answer(call)
        if self._route.then is not None:
            answer = await self._route.then(PublicContext.of(self._services, request), answer)
        return _response(answer)

    def _credential(self, request: web.BaseRequest) -> Credential | None:
        if self._route.is_public:
            return None
        credential = request[CALLER] = read_credential(request, self._services.authentication)
        return credential

    async def _arguments(self, call: _Call) -> dict[str, Any]:
        """Read what the handler takes. Who may not call it learns nothing of what is wrong with the request."""
        body = None
        if self._read_body is not None:
            if not call.request.content.is_eof():  # nobody's body is waited for
                await self._permit(call)
            try:
                body = await self._read_body(call.request)
            except Exception:
                await self._permit(call)
                raise
        arguments = self.arguments.quick(call.request, call.named, body)
        if arguments is None:
            await self._permit(call)
            return self.arguments.read(call.request, call.named, body)
        return arguments

    async def _answer(self, call: _Call) -> Any:
        route = self._route
        if route.transaction is not None:
            return await self._run(route.transaction, self._authorized, call)
        if self._context is ReportContext:
            return await self._report(call)
        return await route.handler(await self._permit(call), **call.arguments)

    async def _authorized(self, conn: Connection, call: _Call) -> Any:
        """Authorise and work in one transaction: what was permitted still is when it commits."""
        return await self._route.handler(await self._authorize(conn, call), conn, **call.arguments)

    async def _report(self, call: _Call) -> Any:
        """Leave it to the statement that stores a report to find its key alive, and its secret right."""
        credential = call.credential
        assert credential is not None
        if credential.epoch is None and credential.may(self._route.scope):
            try:
                return await self._route.handler(self._report_context(call), **call.arguments)
            except SecretUnproved:
                pass
        await self._permit(call)  # says what is wrong, unless it was that the secret had to be proved
        try:
            return await self._route.handler(self._report_context(call), **call.arguments)
        except SecretUnproved:
            raise credential.refusal from None

    def _report_context(self, call: _Call) -> ReportContext:
        credential, request = call.credential, call.request
        assert credential is not None
        sender = Sender(credential.subject_id, call.named.ids["device_id"], credential.digest)
        return ReportContext(services=self._services, request=request, request_id=request[REQUEST_ID], sender=sender)

    async def _permit(self, call: _Call) -> PublicContext:
        """Authorise alone, before what takes long or is not the caller's business."""
        if self._route.is_public:
            return PublicContext.of(self._services, call.request)
        return await self._run(Transaction.READ, self._authorize, call)

    async def _run(self, kind: Transaction, work: Callable[[Connection, _Call], Awaitable[T]], call: _Call) -> T:
        database, authentication = self._services.database, self._services.authentication
        try:
            return await database.run(kind, work, call)
        except SecretUnproved:
            assert call.credential is not None
            address = PublicContext.of(self._services, call.request).address
            call.credential = await authentication.prove(call.credential, address)
            return await database.run(kind, work, call)

    async def _authorize(self, conn: Connection, call: _Call) -> PublicContext:
        services, request, scope = self._services, call.request, self._route.scope
        if call.credential is None:
            return PublicContext.of(services, request)
        caller = await services.authentication.identify(conn, call.credential)
        request_id, again = request[REQUEST_ID], partial(self._authorize, call=call)
        if self._context is UserContext:
            user = as_user(caller, scope)
            return UserContext(services=services, request=request, request_id=request_id, reauthorize=again, user=user)
        principal = await authorized(conn, caller, call.named, scope)
        return Context(
            services=services, request=request, request_id=request_id, reauthorize=again, principal=principal
        )


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
