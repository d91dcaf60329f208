"""Below the application: requests that aiohttp cannot even parse are answered with a problem document too.

Clients that neither send nor read are given up. aiohttp has no public place for either, so private names of it are
used here and nowhere else.
"""
# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from firmtrail_contract import ProblemCode
from firmtrail_server.http.problems import REQUEST_ID_HEADER, new_request_id, problem_of
from firmtrail_server.http.responses import problem_response
from firmtrail_server.logs import about

logger = logging.getLogger(__name__)

#: for the head of a request to arrive whole, the wait for its first byte included; proxies keep idle connections for 60
HEAD_SECONDS = 75
#: for a client to go on reading what it was answered
READING_SECONDS = 30
#: of a request line, or of a header: the longest filters of a list have half of it when every byte of them is escaped
MAX_LINE_BYTES = 32 * 1024


class ProblemRunner(web.AppRunner):
    """Runs an application whose connections answer unparsable requests with problems."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        settings: dict[str, Any] = {"request_factory": server.request_factory, "loop": server._loop, **server._kwargs}  # noqa: SLF001
        settings["max_line_size"] = MAX_LINE_BYTES
        return _ProblemServer(server.request_handler, **settings)


class _ProblemServer(web.Server):
    def __call__(self) -> RequestHandler:
        return _ProblemHandler(self, loop=self._loop, **self._kwargs)


class _ProblemHandler(RequestHandler):
    _giving_up: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._giving_up = self._loop.call_later(READING_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._go_on()
        super().connection_lost(exc)

    def _go_on(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what failed outside of the application; close the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun, another cannot be sent")
        request_id = new_request_id()
        if status < 500:  # noqa: PLR2004
            logger.debug("not a request: %s", message, extra=about(request_id=request_id))
            problem = problem_of(ProblemCode.MALFORMED_REQUEST, "This is not a valid HTTP request.", request_id)
        else:
            logger.error("failed outside of the application", exc_info=exc, extra=about(request_id=request_id))
            problem = problem_of(ProblemCode.INTERNAL, "The server made a mistake.", request_id)
        response = problem_response(problem, {REQUEST_ID_HEADER: request_id})
        response.force_close()
        return response
