"""HTTP/1 on a connection: what arrives becomes requests, which are answered one after the other.

aiohttp's parser reads, which is llhttp; what surrounds it is ours (docs/decisions/0013).
tests/server/test_connections.py holds both to what clients may do.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from aiohttp import EMPTY_PAYLOAD, StreamReader
from aiohttp.http import HttpProcessingError, HttpRequestParser, RawRequestMessage

from firmtrail_contract import ProblemCode
from firmtrail_contract.problems import problem_of
from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response, new_request_id, problem_response
from firmtrail_server.telemetry.logs import about

logger = logging.getLogger(__name__)

Respond = Callable[[Request], Awaitable[Response]]

#: for the head of a request to arrive whole, the wait for its first byte included; proxies keep idle connections for 60
HEAD_SECONDS = 75
#: for a client to go on reading what it was answered
READING_SECONDS = 30
#: for the rest of a body that nobody reads, so that its client reads the answer before the connection closes
_DISCARDING_SECONDS = 10
#: for a connection to close when the server stops and its last request was answered, or given up
_LINGERING_SECONDS = 0.5
#: of a request line, or of a header: the longest filters of a list have half of it when every byte of them is escaped
MAX_LINE_BYTES = 32 * 1024
#: of one header
_MAX_FIELD_BYTES = 8_190
#: of a head, and of what stands in a chunked body without being of it; the parser bounds lines and their number alone
MAX_HEAD_BYTES = 64 * 1024
_MAX_HEADERS = 128
#: of a body, before the client is held back; twice that is kept at most
_BUFFER_BYTES = 64 * 1024
#: of requests that a client sends without waiting for answers, before it is held back
_MAX_WAITING = 16


class Connection(asyncio.Protocol):
    """One client, as its requests know it."""

    def __init__(self, respond: Respond, open_ones: set[Connection], head_seconds: float) -> None:
        self._respond, self._open_ones, self._head_seconds = respond, open_ones, head_seconds
        self._loop = asyncio.get_running_loop()
        self._parser = HttpRequestParser(
            cast("Any", self),  # which asks for no more than flow control
            self._loop,
            _BUFFER_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
            max_headers=_MAX_HEADERS,
            auto_decompress=False,
            max_msg_queue_size=_MAX_WAITING,
        )
        self._transport: asyncio.Transport | None = None
        self.address = ""
        #: heads that wait for their answer, each with its body; None: what arrived is no request
        self._arrived = deque[tuple[RawRequestMessage | None, StreamReader]]()
        #: the body of the newest request
        self._body: StreamReader = EMPTY_PAYLOAD
        #: what has arrived since the last of it, or since the head of its request
        self._head_bytes = 0
        #: answers what arrives, for as long as the connection lives
        self._answering: asyncio.Task[None] | None = None
        #: waits for the next request; None: one is being answered
        self._idle: asyncio.Future[None] | None = None
        #: whether the connection closes after the answer that is being made
        self._is_last = False
        #: whether nothing more is taken: what arrived was no request, or has asked for another protocol
        self._is_deaf = False
        #: whether the client has said that it sends no more
        self._has_ended = False
        #: why the client is held back: a body that is not read as fast as it comes, requests that wait
        self._is_body_full = self._is_queue_full = False
        #: waits until the client reads on
        self._reading: asyncio.Future[None] | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        #: when an idle connection ends, and what looks for it then
        self._idle_until = 0.0
        self._expiring: asyncio.TimerHandle | None = None
        #: that it has closed, where somebody waits for it
        self._lost: asyncio.Future[None] | None = None

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer, sock = transport.get_extra_info("peername"), transport.get_extra_info("socket")
        if isinstance(peer, tuple):
            self.address = str(cast("tuple[Any, ...]", peer)[0])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._open_ones.add(self)
        self._answering = self._loop.create_task(self._answer_all())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._break_bodies("the client has gone")
        for timer in (self._giving_up, self._expiring):
            if timer is not None:
                timer.cancel()
        for waiting in (self._idle, self._reading, self._lost):
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what arrives. A head that does not end is given up: nobody has to say who they are to send one."""
        if self._is_deaf:
            return
        body, body_bytes = self._body, self._body.total_bytes
        try:
            requests, is_upgraded, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._not_parsed(error)
            return
        if requests:
            self._body, self._head_bytes = requests[-1][1], 0
            self._take(requests)
            if is_upgraded:  # to a protocol that is not spoken here; what follows may be of it
                self._is_deaf = self._is_last = True
        elif body.total_bytes > body_bytes:
            self._head_bytes = 0
        else:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up()

    def eof_received(self) -> bool:
        """Keep the connection for the answers to what has arrived; a body that has not will never be whole."""
        self._has_ended = True
        self._break_bodies("the client sends no more")
        return self._is_busy

    def pause_writing(self) -> None:
        self._reading = self._loop.create_future()
        self._giving_up = self._loop.call_later(READING_SECONDS, self._give_up)

    def resume_writing(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
        if self._reading is not None and not self._reading.done():
            self._reading.set_result(None)
        self._reading = None

    # what the bodies call

    @property
    def connected(self) -> bool:
        return self._transport is not None

    def pause_reading(self) -> None:
        self._parser.pause_reading()
        self._is_body_full = True
        self._hold_back()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002  aiohttp's signature
        """Go on after a pause; it is called for every body, also when there was none."""
        if self._is_body_full:
            self._is_body_full = False
            if resume_parser:
                self.data_received(b"")  # what the parser has kept; it may pause again
            self._read_on()

    # what requests and responses call

    async def send(self, data: bytes) -> None:
        """Send the client something, and wait while it does not read.

        Raises:
            ConnectionError: it has gone.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        transport.write(data)
        if self._reading is not None:
            await self._reading

    # what the server calls

    def close(self) -> None:
        """Close the connection; when a request is being answered, also while its body arrives, after that."""
        if self._is_busy:
            self._is_last = True
        else:
            self._close()

    async def closed_within(self, seconds: float) -> None:
        """Wait for the request that is being answered, also while its body arrives; then close the connection."""
        assert self._answering is not None
        await asyncio.wait([self._answering], timeout=seconds)
        self._answering.cancel()
        await asyncio.wait([self._answering], timeout=_LINGERING_SECONDS)
        if self._transport is not None:  # which still sends
            self._lost = self._loop.create_future()
            await asyncio.wait([self._lost], timeout=_LINGERING_SECONDS)
            self._give_up()

    # the rest

    def _take(self, requests: Sequence[tuple[RawRequestMessage | None, StreamReader]]) -> None:
        self._arrived.extend(requests)
        if len(self._arrived) >= _MAX_WAITING and not self._is_queue_full:
            self._is_queue_full = True
            self._hold_back()
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _not_parsed(self, error: HttpProcessingError) -> None:
        logger.debug("not a request: %s", error.message)
        self._is_deaf = True
        if self._body.is_eof():
            self._take([(None, EMPTY_PAYLOAD)])
        else:  # what it belongs to will say so
            self._is_last = True
            self._body.set_exception(ConnectionResetError("the body is damaged"))

    async def _answer_all(self) -> None:
        """Answer what arrives, in its order, until the connection closes."""
        try:
            while self._transport is not None and not self._transport.is_closing():
                if self._arrived:
                    await self._answer(*self._arrived.popleft())
                    self._let_more_arrive()
                elif self._is_last or self._has_ended:
                    break
                else:
                    await self._next_head()
        except ConnectionError:
            logger.debug("the client has gone")
        except Exception:
            logger.exception("an answer was not sent to its end")
        finally:
            self._close()
            self._open_ones.discard(self)

    @property
    def _is_busy(self) -> bool:
        return self._idle is None or self._idle.done()

    async def _next_head(self) -> None:
        """Wait for a request, for so long; the timer of the wait before may still run."""
        self._idle_until = self._loop.time() + self._head_seconds
        if self._expiring is None:
            self._expiring = self._loop.call_at(self._idle_until, self._expire)
        self._idle = self._loop.create_future()
        try:
            await self._idle
        finally:
            self._idle = None

    def _let_more_arrive(self) -> None:
        """Go on with what the parser has kept, once few requests wait. What it has counted arrived whole."""
        self._parser.message_consumed()
        if self._is_queue_full and len(self._arrived) <= _MAX_WAITING // 2:
            self._is_queue_full = False
            self.data_received(b"")  # the queue may be full again
            self._read_on()

    async def _answer(self, message: RawRequestMessage | None, body: StreamReader) -> None:
        if message is None:
            await self._refuse(ProblemCode.MALFORMED_REQUEST, "This is not a valid HTTP request.", new_request_id())
            return
        request = Request(message, body, self)
        try:
            response = await self._respond(request)
        except Exception:  # the dispatcher answers whatever fails within the application
            logger.exception("failed outside of the application", extra=about(request_id=request.id))
            await self._refuse(ProblemCode.INTERNAL, "The server made a mistake.", request.id)
            return
        if not request.keep_alive or self._is_last or (self._has_ended and not self._arrived):
            response.force_close()
        await response.send(request)
        if not body.is_eof():
            await self._discard(body)
        if not response.keep_alive or not body.is_eof():
            self._close()

    async def _refuse(self, code: ProblemCode, detail: str, request_id: str) -> None:
        """Answer what cannot be dispatched, and close the connection."""
        response = problem_response(problem_of(code, detail, request_id), {})
        response.force_close()
        await self.send(response.head(request_id) + response.body)
        self._close()

    @staticmethod
    async def _discard(body: StreamReader) -> None:
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_DISCARDING_SECONDS):
                while not body.is_eof():
                    await body.readany()

    def _break_bodies(self, reason: str) -> None:
        """Let whoever reads a body that has not arrived whole know that it never will."""
        if not self._body.is_eof():  # those before it are whole, or it could not have come
            self._body.set_exception(ConnectionResetError(reason))

    def _hold_back(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _read_on(self) -> None:
        is_held_back = self._is_body_full or self._is_queue_full
        if not is_held_back and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _expire(self) -> None:
        self._expiring = None
        if not self._is_busy:  # else it waits for the next head afterwards
            if self._loop.time() < self._idle_until:
                self._expiring = self._loop.call_at(self._idle_until, self._expire)
            else:
                self._close()

    def _close(self) -> None:
        """Close the connection when all is sent; a client that does not read that is given up."""
        if (transport := self._transport) is not None and not transport.is_closing():
            if transport.get_write_buffer_size():
                self._giving_up = self._loop.call_later(READING_SECONDS, self._give_up)
            transport.close()

    def _give_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()
