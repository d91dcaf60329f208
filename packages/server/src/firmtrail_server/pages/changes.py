"""The stream that tells a page that its project has changed: the API's feed, with the browser's session.

It says how far the feed has come, and nothing of the changes: the page is asked for again, by whoever may see it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import attrs
from aiohttp import hdrs

from firmtrail_contract import FirmwareChanges, FirmwareChangesQuery
from firmtrail_server.errors import Unauthenticated
from firmtrail_server.http.context import PublicContext, Services
from firmtrail_server.http.endpoint import Call
from firmtrail_server.http.event_stream import EVENT_STREAM, event
from firmtrail_server.http.feed_endpoint import FeedEndpoint, FeedPage
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.http.route import Route
from firmtrail_server.http.traffic import Meter
from firmtrail_server.pages.frame import Frame
from firmtrail_server.services.authentication import Credential


class ChangesEndpoint(FeedEndpoint):
    """Serves the stream for as long as the session lasts, and the access to the project."""

    def __init__(self, route: Route, services: Services, meter: Meter) -> None:
        super().__init__(route, services, meter)
        self._frame = Frame(services)

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        response = await super().respond(request, named)
        self._frame.cookies.keep_renewed(request, response)
        return response

    async def credential(self, request: Request) -> Credential:
        """Read who the browser is signed in as."""
        ctx = PublicContext(services=self.services, request=request, request_id=request.id)
        return await self._frame.cookies.credential(request, ctx)

    async def begin(self, call: Call, arguments: dict[str, Any], query: FirmwareChangesQuery) -> FeedPage:
        """Begin where the feed ends, unless the browser says how far it has come."""
        page = await super().begin(call, arguments, query)
        if query.after is not None:
            return page
        last_number = await self.services.feed.number(page.project_id)
        return await self.read(call, arguments, attrs.evolve(query, after=last_number))

    def told(self, changes: FirmwareChanges) -> bytes:
        """Write whether something has changed, and how far the feed has come."""
        name = "changed" if changes.items else "position"
        return event(changes.last_number, name, {"last_number": changes.last_number})

    def check_expiry(self, call: Call) -> None:
        """Raise `TokenNotValid` when the access token has expired: the browser connects again, and gets the next."""
        self._frame.cookies.check_expiry(call.request)

    def refuse(self, error: Exception, request: Request) -> Response:
        """Refuse as pages do; a stream whose session has ended is told not to come again (HTML, section 9.2)."""
        if isinstance(error, Unauthenticated) and EVENT_STREAM in request.headers.get(hdrs.ACCEPT, ""):
            return Response(HTTPStatus.NO_CONTENT, "Cache-Control: no-store\r\n")
        return self._frame.refuse(error, request)
