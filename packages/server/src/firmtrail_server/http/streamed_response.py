"""A response that is sent while it is made."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable

from aiohttp import HttpVersion, HttpVersion11, hdrs

from firmtrail_server.errors import DomainError
from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response
from firmtrail_server.telemetry.logs import about

logger = logging.getLogger(__name__)

_LAST_CHUNK = b"0\r\n\r\n"


class StreamedResponse(Response):
    """Sends blocks as they come (RFC 9112, section 7.1); without its last chunk it is not whole.

    Whatever happens, `content` is closed and `leave` called. The connection closes if it fails.
    """

    def __init__(
        self,
        media_type: str,
        first: bytes,
        content: AsyncGenerator[bytes],
        headers: dict[str, str],
        leave: Callable[[], None],
    ) -> None:
        kind = f"Content-Type: {media_type}\r\nCache-Control: no-store\r\n"
        super().__init__(200, kind, headers=headers)
        self._first, self._content, self._leave = first, content, leave

    async def send(self, request: Request) -> None:
        """Send all of it.

        Raises:
            ConnectionError: the client has gone, or it cannot be sent to its end.
        """
        try:
            await self._send(request)
        except ConnectionError:
            raise
        except DomainError as error:
            logger.warning("broke off: %s", error, extra=about(request_id=request.id))
            raise ConnectionResetError("it broke off") from error
        except Exception as error:
            logger.exception("broke off", extra=about(request_id=request.id))
            raise ConnectionResetError("it broke off") from error
        finally:
            self._leave()
            await self._content.aclose()

    async def _send(self, request: Request) -> None:
        is_chunked = request.version >= HttpVersion11
        if not is_chunked:
            self.force_close()
        write = request.client.send
        if request.method == hdrs.METH_HEAD:  # what followed would be read as the next response
            await write(self.head(request.id, request.version))
            return
        await write(self.head(request.id, request.version) + (_chunk(self._first) if is_chunked else self._first))
        async for block in self._content:
            await write(_chunk(block) if is_chunked else block)
        if is_chunked:
            await write(_LAST_CHUNK)

    def _framing(self, version: HttpVersion) -> str:
        return f"{hdrs.TRANSFER_ENCODING}: chunked\r\n" if version >= HttpVersion11 else ""


def _chunk(block: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(block), block) if block else b""  # an empty one would be the last
