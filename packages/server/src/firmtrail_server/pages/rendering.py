"""From a template to a response: the environment of all templates, and the headers of all pages."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

import jinja2
from aiohttp import hdrs

from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response
from firmtrail_server.pages import words
from firmtrail_server.pages.assets import ASSETS
from firmtrail_server.pages.colours import colour

#: nothing from outside, nothing inline, in no frame, and forms go to us alone
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PRIVATE = (
    f"Cache-Control: no-store\r\nContent-Security-Policy: {_POLICY}\r\n"
    "Referrer-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\n"
)
_PAGE = f"Content-Type: text/html; charset=utf-8\r\nVary: Accept-Encoding, Cookie\r\n{_PRIVATE}"
_LEAST_TO_COMPRESS = 1_000


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("firmtrail_server.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(words.FILTERS, colour=colour)
    cast("dict[str, Any]", environment.globals)["asset"] = _path_of
    return environment


def _path_of(name: str) -> str:
    return ASSETS[name].path


def rendered(template: str, data: Mapping[str, Any]) -> str:
    """Fill a template; a name that it does not get is an error, never a gap."""
    return _templates().get_template(template).render(data)


def page(html: str, status: int, request: Request) -> Response:
    content, headers = html.encode(), dict[str, str]()
    if len(content) >= _LEAST_TO_COMPRESS and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        content, headers[hdrs.CONTENT_ENCODING] = gzip.compress(content, 5, mtime=0), "gzip"
    return Response(status, _PAGE, content, headers)


def redirect(path: str) -> Response:
    """Send a browser to a page, which it gets with GET."""
    return Response(HTTPStatus.SEE_OTHER, _PRIVATE, headers={hdrs.LOCATION: path})
