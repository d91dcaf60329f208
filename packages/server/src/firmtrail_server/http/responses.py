"""Writing responses."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web
from multidict import CIMultiDict

from firmtrail_contract import OAuthRefusal, Problem, strict_converter
from firmtrail_server.http.answers import Document

#: what the request is called in the log and in its answer
REQUEST_ID = web.RequestKey("REQUEST_ID", str)

_JSON = CIMultiDict({"Content-Type": "application/json", "Cache-Control": "no-store"})
_converter = strict_converter()


def json_response(model: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(_converter.unstructure(model)), status=status, headers=_JSON.copy())


def document_response(document: Document) -> web.Response:
    return web.Response(body=document.content, headers={"Content-Type": document.content_type})


def problem_response(problem: Problem, headers: dict[str, str]) -> web.Response:
    return web.Response(
        body=orjson.dumps(_converter.unstructure(problem)),
        status=problem.status,
        content_type="application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )


def oauth_response(refusal: OAuthRefusal, status: int, headers: dict[str, str]) -> web.Response:
    response = json_response(refusal, status)
    response.headers.update(headers)
    return response
