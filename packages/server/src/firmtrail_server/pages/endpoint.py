"""What serves a line of the table of pages: the API's endpoint, with a cookie, forms and HTML at its ends."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import hdrs

from firmtrail_server.http.context import PublicContext, Services
from firmtrail_server.http.endpoint import Call, Endpoint
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.http.route import Route
from firmtrail_server.http.traffic import Meter
from firmtrail_server.pages.downloads import sent
from firmtrail_server.pages.forms import check_origin, form_token_of
from firmtrail_server.pages.frame import Frame
from firmtrail_server.pages.rendering import redirect
from firmtrail_server.pages.results import Download, Redirect, SignedIn, SignedOut, View
from firmtrail_server.services.authentication import Credential


class PageEndpoint(Endpoint):
    """Serves one page."""

    def __init__(self, route: Route, services: Services, meter: Meter) -> None:
        super().__init__(route, services, meter)
        self._frame = Frame(services)
        self._cookies = self._frame.cookies

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        if request.method == hdrs.METH_POST:
            check_origin(request)
        elif "" in request.query.values():  # an HTML form sends the fields that were left empty
            return redirect(_without_blanks(request))
        response = await super().respond(request, named)
        self._cookies.keep_renewed(request, response)
        return response

    async def credential(self, request: Request) -> Credential:
        """Read who the browser is signed in as."""
        return await self._cookies.credential(request, self._context(request))

    async def read_arguments(self, call: Call) -> dict[str, Any]:
        """Read what the view takes, and hold a form to its token."""
        arguments = await super().read_arguments(call)
        if call.request.method == hdrs.METH_POST:
            self._frame.tokens.check(form_token_of(arguments), self._cookies.bound_to(call.request))
        return arguments

    async def render(self, call: Call, answer: Any) -> Response:
        """Make the response."""
        match answer:
            case View():
                return self._frame.shown(call.request, answer)
            case Download():
                return await sent(answer, call.request)
            case Redirect():
                return await self._redirected(call.request, answer)
            case _:
                raise TypeError(f"{self.route.path} returned what is no page")

    def refuse(self, error: Exception, request: Request) -> Response:
        """Make the page that says what went wrong; who is not signed in goes to where that is done."""
        return self._frame.refuse(error, request)

    async def _redirected(self, request: Request, answer: Redirect) -> Response:
        response = redirect(answer.to)
        match answer:
            case SignedIn():
                self._cookies.keep(request, response, answer.session)
            case SignedOut():
                await self._cookies.end(request, self._context(request))
                self._cookies.remove(request, response)
            case _:
                pass
        return response

    def _context(self, request: Request) -> PublicContext:
        return PublicContext(services=self.services, request=request, request_id=request.id)


def _without_blanks(request: Request) -> str:
    query = urlencode([(name, text) for name, text in request.query.items() if text])
    return request.path + (f"?{query}" if query else "")
