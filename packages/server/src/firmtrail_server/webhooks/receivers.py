"""Receivers of webhooks, as HTTP sees them. They belong to strangers: nothing that they do may cost much.

Each attempt resolves the name once, checks the address that the socket is about to connect to, and connects to that: a
name that resolves to something else a moment later gains nothing. No redirect is followed and no proxy asked, and of an
answer only its head is read.
"""

from __future__ import annotations

import datetime as dt
import socket
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Self

import aiohttp
import attrs
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from yarl import URL

from firmtrail_server.webhooks.addresses import AddressRule

#: as `getaddrinfo` gives it
_AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

#: for everything: name, connection, TLS, request and the head of the answer
SECONDS = 15
_CONNECT_SECONDS = 5
_DNS_SECONDS, _DNS_TRIES = 3, 2
_ANSWER_BUFFER_BYTES = 4_096
#: such as 102 Processing, before the answer itself
_MAX_INFORMATIONAL = 10
_USER_AGENT = "Firmtrail-Webhooks/1"
_MAX_ERROR = 200
_LONGEST_RETRY_AFTER = dt.timedelta(hours=2)
_LONGEST_NUMBER = 9
#: by whether it is encrypted; the address itself is not named, since names of an inner network may be secrets
_REFUSALS = {
    True: "refused to connect: its address is not public, and the server's operator does not allow the network",
    False: "refused to connect without TLS: the server's operator does not allow the network",
}


class AddressRefused(OSError):
    """The server does not connect to this address."""


@attrs.frozen(kw_only=True)
class Answer:
    """What came of a request."""

    #: None: no answer came
    status_code: int | None = None
    #: None: the receiver has taken it
    error: str | None = None
    #: how long the receiver asks to be left alone, at most two hours
    retry_after: dt.timedelta = dt.timedelta()
    duration_ms: int = 0


class _Response(aiohttp.ClientResponse):
    """An answer that few informational ones precede: aiohttp would read them until the time is over."""

    async def start(self, connection: Connection) -> Self:
        protocol = connection.protocol
        assert protocol is not None
        read, left = protocol.read, _MAX_INFORMATIONAL + 1

        async def read_few() -> Any:
            nonlocal left
            if not left:
                raise aiohttp.ClientError("its answer did not follow its informational ones")
            left -= 1
            return await read()

        protocol.read = read_few  # for one answer: the connection is not used again
        await super().start(connection)
        return self


class Receivers:
    """Sends to receivers, a connection each time: they may have moved, and a connection that waits is worth nothing."""

    def __init__(self, rule: AddressRule, resolver: AbstractResolver | None = None) -> None:
        """Hold the rule of addresses. Opened as a context, within an event loop.

        Args:
            rule: which addresses are connected to.
            resolver: finds addresses of names; DNS, if left out. It has a way of its own, so that names which never
                resolve take no threads from the connections to the database.
        """
        self._rule = rule
        self._resolver = resolver
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    @property
    def rule(self) -> AddressRule:
        return self._rule

    async def __aenter__(self) -> Self:
        resolver = self._resolver or aiohttp.AsyncResolver(timeout=_DNS_SECONDS, tries=_DNS_TRIES)
        for scheme in ("http", "https"):
            self._sessions[scheme] = self._session(resolver, is_encrypted=scheme == "https")
        self._resolver = resolver
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in self._sessions.values():
            await session.close()
        if self._resolver is not None:
            await self._resolver.close()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body once. Whatever the receiver does, this ends within 15 seconds and raises nothing of it."""
        began = time.monotonic()
        answer = await self._sent(URL(url), body, headers)
        return attrs.evolve(answer, duration_ms=round((time.monotonic() - began) * 1_000))

    async def _sent(self, url: URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            async with self._sessions[url.scheme].post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                answer.close()  # nobody reads its body
                return Answer(
                    status_code=answer.status,
                    error=_error_of(answer.status),
                    retry_after=_retry_after(answer.headers.get(hdrs.RETRY_AFTER, "")),
                )
        except TimeoutError:
            return Answer(error=f"no answer within {SECONDS} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(error=_told(error))

    def _session(self, resolver: AbstractResolver, *, is_encrypted: bool) -> aiohttp.ClientSession:
        def checked_socket(found: _AddressInfo) -> socket.socket:
            family, kind, protocol, _, address = found
            if not self._rule.permits(str(address[0]), is_encrypted=is_encrypted):
                raise AddressRefused(_REFUSALS[is_encrypted])
            made = socket.socket(family=family, type=kind, proto=protocol)
            made.setblocking(False)  # noqa: FBT003  as the standard library has it
            return made

        connector = aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,
            force_close=True,
            limit=0,
            socket_factory=checked_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=SECONDS, sock_connect=_CONNECT_SECONDS),
            headers={"User-Agent": _USER_AGENT, "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            response_class=_Response,
            read_bufsize=_ANSWER_BUFFER_BYTES,
        )


def _error_of(status: int) -> str | None:
    if 200 <= status < 300:  # noqa: PLR2004  the class of success
        return None
    if 300 <= status < 400:  # noqa: PLR2004  the class of redirects
        return f"it answered with the redirect {status}, and redirects are not followed"
    return f"it answered with the status {status}"


def _retry_after(text: str) -> dt.timedelta:
    """Read seconds or a date (RFC 9110, section 10.2.3); what cannot be read asks for nothing."""
    if text.isascii() and text.isdigit():
        asked = dt.timedelta(seconds=int(text[:_LONGEST_NUMBER]))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return dt.timedelta()
        asked = moment.replace(tzinfo=moment.tzinfo or dt.UTC) - dt.datetime.now(dt.UTC)
    return min(max(asked, dt.timedelta()), _LONGEST_RETRY_AFTER)


def _told(error: Exception) -> str:
    """Say what went wrong, in one short line."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its TLS certificate failed verification"
    # the texts of these two hold what came, of whatever service
    if isinstance(error, aiohttp.ClientResponseError):
        return "its answer is not HTTP, or its head is too large"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection broke off before the head of its answer had come"
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientConnectorDNSError):
        error = error.os_error
    text = "".join(mark if mark.isprintable() else " " for mark in str(error)) or type(error).__name__
    return text[:_MAX_ERROR]
