"""Below the application: requests that aiohttp cannot even parse are answered with a problem document too.

Clients that neither send nor read, or send a head without end, are given up. aiohttp has no setting for that, so its
protocol is extended here and nowhere else; tests/server/test_private_names.py says what of it that depends on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import CoroutineType
from typing import Any, cast

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError, RawRequestMessage

from firmtrail_contract import ProblemCode
from firmtrail_contract.problems import problem_of
from firmtrail_server.http.dispatch import Dispatcher, new_request_id
from firmtrail_server.http.requests import MAX_BODY_BYTES
from firmtrail_server.http.responses import REQUEST_ID_HEADER, Response, problem_response
from firmtrail_server.telemetry.logs import about

logger = logging.getLogger(__name__)

#: for the head of a request to arrive whole, the wait for its first byte included; proxies keep idle connections for 60
HEAD_SECONDS = 75
#: for a client to go on reading what it was answered
READING_SECONDS = 30
#: for a connection to close when the server stops and its last request was answered, or given up
_LINGERING_SECONDS = 0.5
#: of a request line, or of a header: the longest filters of a list have half of it when every byte of them is escaped
MAX_LINE_BYTES = 32 * 1024
#: of a head, and of what stands in a chunked body without being of it; aiohttp bounds each line and their number alone
MAX_HEAD_BYTES = 64 * 1024


@asynccontextmanager
async def running_http(
    dispatcher: Dispatcher, *, head_seconds: float = HEAD_SECONDS, shutdown_timeout: float
) -> AsyncGenerator[web.ServerRunner]:
    """Take requests on the sites that the block adds; when it ends, they close, and what they took is answered."""
    runner = web.ServerRunner(_Server(dispatcher, keepalive_timeout=head_seconds), shutdown_timeout=shutdown_timeout)
    await runner.setup()
    try:
        yield runner
    finally:
        dispatcher.end_waits()
        await runner.cleanup()


class _Server(web.Server):
    """Makes the protocol of each connection, and each request."""

    def __init__(self, dispatcher: Dispatcher, *, keepalive_timeout: float) -> None:
        answers = cast("Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]", dispatcher)  # see responses.py
        super().__init__(answers, request_factory=self._received)
        self._event_loop = asyncio.get_running_loop()
        self._head_seconds = keepalive_timeout

    def __call__(self) -> web.RequestHandler:
        return _ProblemHandler(
            self,
            loop=self._event_loop,
            access_log=None,  # pyright: ignore[reportArgumentType]  its documentation says so, its types do not
            auto_decompress=False,
            keepalive_timeout=self._head_seconds,
            max_line_size=MAX_LINE_BYTES,
        )

    def _received(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if message.chunked and message.version < HttpVersion11:  # RFC 9112, section 6.1
            message = message._replace(should_close=True)
        loop = self._event_loop
        request = web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY_BYTES)
        assert isinstance(protocol, _ProblemHandler)
        protocol.answering = request
        return request


class _ProblemHandler(web.RequestHandler):
    #: the request that is being answered
    answering: web.BaseRequest | None = None
    _answered: asyncio.Future[None] | None = None
    _giving_up: asyncio.TimerHandle | None = None
    #: whether the client has said that it sends no more
    _has_ended = False
    #: whether the client was told to wait until what it has sent is read
    _is_held_back = False
    #: whether the connection closes after the answer that is being made
    _is_last = False
    #: the body of the newest request
    _body: StreamReader = EMPTY_PAYLOAD
    #: what has arrived since the last of it, or since the head of its request
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what arrives. A head that does not end is given up: nobody has to say who they are to send one."""
        requests, body_bytes = len(self._messages), self._body.total_bytes
        super().data_received(data)
        if len(self._messages) > requests:
            message, self._body = self._messages[-1]
            self._head_bytes = 0
            if isinstance(error := getattr(message, "exc", None), Exception):
                error.__traceback__ = None  # it holds the frame that holds `data` and the error
        elif self._body.total_bytes > body_bytes:
            self._head_bytes = 0
        else:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up()

    def close(self) -> None:
        """Close the connection; when a request is being answered, also while its body arrives, after that."""
        if self.answering is not None or self._messages:
            self._is_last = True
        else:
            super().close()

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]  it is what asyncio asks for
        """Keep the connection for the answers to what has arrived; a body that has not will never be whole."""
        request = self.answering
        payloads = [payload for _, payload in self._messages] + ([request.content] if request else [])
        for payload in payloads:
            if not payload.is_eof():
                payload.set_exception(ConnectionResetError("the client sends no more"))
        self._has_ended = True
        return bool(payloads)

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> CoroutineType[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send an answer, and with the last one say so."""
        if self._is_last or (self._has_ended and not self._messages):
            resp.force_close()
        return super().finish_response(request, resp, start_time)

    def log_access(self, request: web.BaseRequest, response: web.StreamResponse, time: float | None) -> None:  # noqa: ARG002
        """Note that an answer was sent, or could not be; aiohttp calls this after each. Lines are written elsewhere."""
        self._note_answered()

    def _note_answered(self) -> None:
        self.answering = None
        if self._is_last:
            super().close()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109  aiohttp's signature
        """Wait for the request that is being answered, also while its body arrives; then close the connection.

        aiohttp's own takes nothing more that arrives, and waits twice as long.
        """
        if self.answering is not None:
            self._answered = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._answered], timeout=timeout)
        await super().shutdown(_LINGERING_SECONDS)

    def pause_reading(self) -> None:
        super().pause_reading()
        self._is_held_back = True

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002  aiohttp's signature
        """Go on after a pause; aiohttp calls this for every body, and does its work even when there was none."""
        if self._is_held_back:
            self._is_held_back = False
            super().resume_reading(resume_parser)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._giving_up = asyncio.get_running_loop().call_later(READING_SECONDS, self._give_up)

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

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what aiohttp did not expect, unless a client did it while the rest of its body was thrown away."""
        if isinstance(kw.get("exc_info"), ConnectionError | web.RequestPayloadError | HttpProcessingError):
            self.log_debug(*args, **kw)
        else:
            super().log_exception(*args, **kw)

    def handle_error(  # pyright: ignore[reportIncompatibleMethodOverride]  see responses.py
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> Response:
        """Answer what failed outside of the application; close the connection."""
        if request.writer.output_size > 0:
            self._note_answered()
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
