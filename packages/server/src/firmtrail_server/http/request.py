"""A request, as it came over a connection."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING, Protocol

from aiohttp import HttpVersion11, StreamReader, hdrs
from aiohttp.http import RawRequestMessage

if TYPE_CHECKING:
    from multidict import MultiMapping

    from firmtrail_contract import AccessToken
    from firmtrail_server.services.authentication import Credential


class Client(Protocol):
    """The other end of a connection."""

    @property
    def address(self) -> str:
        """Its IP address; empty: it has none."""
        ...

    async def send(self, data: bytes) -> None:
        """Send it something, and wait while it does not read.

        Raises:
            ConnectionError: it has gone.
        """
        ...


class Request:
    """A request whose head is there; its body may still be arriving."""

    __slots__ = (
        "_url",
        "caller",
        "client",
        "content",
        "headers",
        "id",
        "keep_alive",
        "method",
        "path",
        "renewed",
        "version",
    )

    def __init__(self, message: RawRequestMessage, content: StreamReader, client: Client) -> None:
        self._url = message.url
        self.method = message.method
        #: as it was sent, its escapes included
        self.path = message.url.raw_path
        self.headers = message.headers
        self.version = message.version
        #: its body
        self.content = content
        self.client = client
        #: whether the client wants to send more; not after a chunked body in HTTP/1.0 (RFC 9112, section 6.1)
        self.keep_alive = not (message.should_close or (message.chunked and message.version < HttpVersion11))
        #: what it is called in the log and in its answer
        self.id = ""
        #: the API key or the user that it says it comes from; it is theirs unless the answer is 401
        self.caller: Credential | None = None
        #: the token that it got for its session, to be kept by the response
        self.renewed: AccessToken | None = None

    @property
    def query(self) -> MultiMapping[str]:
        return self._url.query

    @property
    def query_string(self) -> str:
        """As it was sent, its escapes included."""
        return self._url.raw_query_string

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        return self._url.raw_path_qs

    @property
    def utf8_type(self) -> str:
        """The media type of its body, in lower case; empty: it is said to be in another charset than UTF-8."""
        message = Message()
        message[hdrs.CONTENT_TYPE] = self.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
        return message.get_content_type() if message.get_content_charset("utf-8") == "utf-8" else ""
