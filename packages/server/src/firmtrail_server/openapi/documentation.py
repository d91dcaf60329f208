"""This document: for programs and for people."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated

from firmtrail_server import openapi
from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.results import Document
from firmtrail_server.openapi.page import page

JSON = "application/json"
HTML = "text/html; charset=utf-8"


async def openapi_document(_ctx: PublicContext) -> Annotated[Document, JSON]:
    """Get the OpenAPI 3.1 document of this API."""
    return Document(content_type=JSON, content=_text().encode())


async def docs(_ctx: PublicContext) -> Annotated[Document, HTML]:
    """Read about this API in a browser."""
    return Document(content_type=HTML, content=_page().encode())


@cache
def _text() -> str:
    from firmtrail_server.routes import ROUTES  # noqa: PLC0415  the table names the handlers above

    return openapi.as_text(ROUTES)


@cache
def _page() -> str:
    return page(json.loads(_text()))
