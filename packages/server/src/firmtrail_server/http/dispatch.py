"""Where every request comes in: it gets its id, its endpoint, and an answer whatever happens."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache

from firmtrail_server.errors import DomainError, Unavailable
from firmtrail_server.exports import Export
from firmtrail_server.http.context import Services
from firmtrail_server.http.endpoint import Endpoint
from firmtrail_server.http.export_endpoint import ExportEndpoint
from firmtrail_server.http.feed_endpoint import FeedEndpoint
from firmtrail_server.http.problems import refusal
from firmtrail_server.http.report_endpoint import ReportEndpoint
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import REQUEST_ID_HEADER, Response, new_request_id
from firmtrail_server.http.route import Route
from firmtrail_server.http.router import Router
from firmtrail_server.http.rows import Rows
from firmtrail_server.http.rows_endpoint import RowsEndpoint
from firmtrail_server.http.traffic import Meter, Traffic

#: the same devices report again and again
_REMEMBERED_PATHS = 16_384
#: no path of ours is longer, and those of a stranger shall not fill the memory
_LONGEST_REMEMBERED = 128
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Dispatcher:
    """Answers requests: a connection calls it with each."""

    def __init__(self, routes: Iterable[Route], services: Services) -> None:
        """Make the endpoints.

        Raises:
            TypeError: a handler does not take what its route gives.
        """
        self._traffic = Traffic(services.metrics, log_requests=services.settings.log_requests)
        self._router = Router[Endpoint]()
        self._waits = services.feed_waits
        self._remembered = lru_cache(_REMEMBERED_PATHS)(self._find)
        self._services = services
        #: answers what no endpoint was found for
        self.refuse: Callable[[Exception, Request], Response] = refusal
        for route in routes:
            self.add(route, _kind_of(route))

    def add(self, route: Route, kind: Callable[[Route, Services, Meter], Endpoint]) -> None:
        """Serve one route more by an endpoint of this kind.

        Raises:
            TypeError: its handler does not take what the route gives.
        """
        meter = self._traffic.meter(self._services.metrics, route.method, route.path)
        self._router.add(route.method, route.path, kind(route, self._services, meter))

    async def __call__(self, request: Request) -> Response:
        started = time.perf_counter()
        request.id = _request_id(request)
        path, meter, refuse = request.path, self._traffic.nowhere, self.refuse
        try:
            find = self._remembered if len(path) <= _LONGEST_REMEMBERED else self._find
            endpoint, named = find(request.method, path)
            meter, refuse = endpoint.meter, endpoint.refuse
            response = await endpoint.respond(request, named)
        except Exception as error:  # noqa: BLE001  whatever it is, the caller gets an answer and the operator a log
            self._log(error, request, meter)
            response = refuse(error, request)
        self._traffic.answered(request, meter, response.status, time.perf_counter() - started)
        return response

    def end_waits(self) -> None:
        """Answer at once whoever waits for something to happen: the server stops."""
        self._waits.end()

    def _find(self, method: str, path: str) -> tuple[Endpoint, Named]:
        endpoint, segments = self._router.find(method, path)
        return endpoint, endpoint.arguments.named(segments)

    def _log(self, error: Exception, request: Request, meter: Meter) -> None:
        if isinstance(error, Unavailable):
            self._traffic.refusals.add(error, request.id)
        elif not isinstance(error, DomainError):
            self._traffic.failed(request, meter, error)


def _kind_of(route: Route) -> type[Endpoint]:
    if route.checks_liveness:
        return ReportEndpoint
    if route.hints.get("return") is Export:
        return ExportEndpoint
    if route.sends_events:
        return FeedEndpoint
    return RowsEndpoint if route.hints.get("body") is Rows else Endpoint


def _request_id(request: Request) -> str:
    given = request.headers.get(REQUEST_ID_HEADER)
    return given if given and _REQUEST_ID.fullmatch(given) else new_request_id()
