"""Responses: whole, and written at once."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from itertools import count
from time import time
from typing import Any

import orjson
from aiohttp import HttpVersion, HttpVersion11, hdrs
from cattrs.fns import identity
from cattrs.gen import make_dict_unstructure_fn, override
from multidict import CIMultiDict

from firmtrail_contract import AccessToken, OAuthRefusal, Problem, format_moment, strict_converter
from firmtrail_server.http.request import Request
from firmtrail_server.http.results import Document

REQUEST_ID_HEADER = "X-Request-Id"
_PROCESS = secrets.token_hex(8)
_numbers = count(1)

_NOT_STORED = "Cache-Control: no-store\r\n"
_JSON = f"Content-Type: application/json\r\n{_NOT_STORED}"
_OAUTH = f"{_JSON}Pragma: no-cache\r\n"  # RFC 6749 wants it beside Cache-Control
_PROBLEM = f"Content-Type: application/problem+json\r\n{_NOT_STORED}"
#: no page of another site may show ours inside of it, or learn its URL from a link; what a page loads, it says itself
_PAGE = "Content-Security-Policy: frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n"
_HTML = "text/html"
_NO_CONTENT = 204
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def _for_orjson(moment: dt.datetime) -> dt.datetime | str:
    """Leave to it what it writes as the contract does, and much faster: it leaves out microseconds that are 0."""
    return moment if moment.microsecond and moment.tzinfo is dt.UTC else format_moment(moment)


_converter = strict_converter()
_converter.register_unstructure_hook(uuid.UUID, identity)  # orjson writes it as the contract does
_converter.register_unstructure_hook(dt.datetime, _for_orjson)
# as RFC 6749 says: where there is no session, there is no refresh_token
_converter.register_unstructure_hook(
    AccessToken, make_dict_unstructure_fn(AccessToken, _converter, refresh_token=override(omit_if_default=True))
)


class Response:
    """A response that is sent by one write.

    `kind` are header lines as they are sent; `headers` are more of them.
    """

    def __init__(self, status: int, kind: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body = status, body
        self.headers = CIMultiDict(headers or ())
        #: whether the connection stays open after it
        self.keep_alive = True
        self._kind = kind

    def force_close(self) -> None:
        self.keep_alive = False

    async def send(self, request: Request) -> None:
        """Send all of it.

        Raises:
            ConnectionError: the client has gone, or it cannot be sent to its end.
        """
        content = b"" if request.method == hdrs.METH_HEAD else self.body
        await request.client.send(self.head(request.id, request.version) + content)

    def head(self, request_id: str, version: HttpVersion = HttpVersion11) -> bytes:
        """Write what comes before the body, for a client that speaks this version of HTTP."""
        lines = [_opening(self.status, self._kind, int(time())), f"{REQUEST_ID_HEADER}: {request_id}\r\n"]
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


@lru_cache(64)
def _opening(status: int, kind: str, second: int) -> str:
    """Write the lines that all responses of a second have in common."""
    date = formatdate(second, usegmt=True)
    return f"{_STATUS_LINES[status]}Date: {date}\r\nX-Content-Type-Options: nosniff\r\n{kind}"


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
    return orjson.dumps(_hook_of(model.__class__)(model), option=orjson.OPT_UTC_Z)


def new_request_id() -> str:
    """It has to be unique, not unpredictable: the process, and a number."""
    return f"{_PROCESS}{next(_numbers):016x}"


@lru_cache
def _hook_of(kind: type) -> Callable[[Any], Any]:
    return _converter.get_unstructure_hook(kind)
