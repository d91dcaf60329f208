"""Responses: whole, and written at once.

aiohttp's own can be streamed, compressed and resumed. To prepare and write one of those costs more than a report's own
work does, so `prepare` and `write_eof` are replaced here; the rest is aiohttp's.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any

import orjson
from aiohttp import HttpVersion, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from cattrs.gen import make_dict_unstructure_fn, override

from firmtrail_contract import AccessToken, OAuthRefusal, Problem, format_moment, strict_converter
from firmtrail_server.http.results import Document

#: what the request is called in the log and in its answer
REQUEST_ID = web.RequestKey("REQUEST_ID", str)
REQUEST_ID_HEADER = "X-Request-Id"

_NOT_STORED = "Cache-Control: no-store\r\n"
_JSON = f"Content-Type: application/json\r\n{_NOT_STORED}"
_OAUTH = f"{_JSON}Pragma: no-cache\r\n"  # RFC 6749 wants it beside Cache-Control
_PROBLEM = f"Content-Type: application/problem+json\r\n{_NOT_STORED}"
_NOT_GUESSED = "X-Content-Type-Options: nosniff\r\n"
#: no page of another site may show ours inside of it, or learn its URL from a link; what a page loads, it says itself
_PAGE = "Content-Security-Policy: frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n"
_HTML = "text/html"
_NO_CONTENT = 204
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def _for_orjson(moment: dt.datetime) -> dt.datetime | str:
    """Leave to it what it writes as the contract does, and much faster: it leaves out microseconds that are 0."""
    return moment if moment.microsecond and moment.tzinfo is dt.UTC else format_moment(moment)


_converter = strict_converter()
_converter.register_unstructure_hook(uuid.UUID, lambda one: one)  # orjson writes it as the contract does
_converter.register_unstructure_hook(dt.datetime, _for_orjson)
# as RFC 6749 says: where there is no session, there is no refresh_token
_converter.register_unstructure_hook(
    AccessToken, make_dict_unstructure_fn(AccessToken, _converter, refresh_token=override(omit_if_default=True))
)


class Response(web.StreamResponse):
    """A response that is sent by one write.

    `kind` are header lines as they are sent; `headers` are more of them.
    """

    def __init__(self, status: int, kind: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status=status, headers=headers)
        self._kind, self.body = kind, body
        self._stays_open = True
        self._request: web.BaseRequest | None = None

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open; known once it is prepared."""
        return self._stays_open

    def force_close(self) -> None:
        self._stays_open = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        self._request = request
        self._stays_open = self._stays_open and request.keep_alive
        return request.writer

    @property
    def request(self) -> web.BaseRequest:
        """What it answers, once it is prepared."""
        assert self._request is not None
        return self._request

    async def write_eof(self, data: bytes = b"") -> None:
        """Send all of it.

        Raises:
            ConnectionError: the client has gone.
        """
        request = self.request
        content = b"" if request.method == hdrs.METH_HEAD else self.body + data
        await request.writer.write(self.head(request.version) + content)
        if request.protocol.writing_paused:
            await request.writer.drain()

    def head(self, version: HttpVersion = HttpVersion11) -> bytes:
        """Write what comes before the body, for a client that speaks this version of HTTP."""
        lines = [_STATUS_LINES[self.status], _date_line(int(time())), _NOT_GUESSED, self._kind]
        for name, value in self.headers.items():
            if not value.isprintable():
                raise ValueError(f"the header {name} would become several")
            lines.append(f"{name}: {value}\r\n")
        lines.append(self._framing(version))
        if not self.keep_alive:
            lines.append("Connection: close\r\n")
        elif version < HttpVersion11:
            lines.append("Connection: keep-alive\r\n")
        lines.append("\r\n")
        return "".join(lines).encode()

    def _framing(self, version: HttpVersion) -> str:  # noqa: ARG002  what is streamed goes by it
        """Say where the body ends."""
        return "" if self.status == _NO_CONTENT else f"Content-Length: {len(self.body)}\r\n"


@lru_cache(1)
def _date_line(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


def json_response(model: Any, status: int) -> Response:
    return Response(status, _OAUTH if isinstance(model, AccessToken) else _JSON, json_bytes(model))


def empty_response() -> Response:
    return Response(_NO_CONTENT, _NOT_STORED)


def document_response(document: Document) -> Response:
    more = _PAGE if document.content_type.startswith(_HTML) else ""
    return Response(200, f"Content-Type: {document.content_type}\r\n{more}", document.content)


def redirect_response(path: str) -> Response:
    """Lead a client elsewhere, because of what it accepts."""
    return Response(HTTPStatus.FOUND, _NOT_STORED, headers={hdrs.LOCATION: path, hdrs.VARY: hdrs.ACCEPT})


def problem_response(problem: Problem, headers: dict[str, str]) -> Response:
    return Response(problem.status, _PROBLEM, json_bytes(problem), headers)


def oauth_response(refusal: OAuthRefusal, status: int, headers: dict[str, str]) -> Response:
    return Response(status, _OAUTH, json_bytes(refusal), headers)


def json_bytes(model: Any) -> bytes:
    """Write a model as all answers do."""
    return orjson.dumps(_converter.unstructure(model), option=orjson.OPT_UTC_Z)
