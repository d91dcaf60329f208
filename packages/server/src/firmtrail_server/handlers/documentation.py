"""This document: for programs and for people."""

from __future__ import annotations

from typing import Annotated

from firmtrail_server.http.context import PublicContext
from firmtrail_server.http.documents import docs_html, openapi_json
from firmtrail_server.http.results import Document

JSON = "application/json"
HTML = "text/html; charset=utf-8"


async def openapi_document(_ctx: PublicContext) -> Annotated[Document, JSON]:
    return Document(content_type=JSON, content=openapi_json())


async def docs(_ctx: PublicContext) -> Annotated[Document, HTML]:
    return Document(content_type=HTML, content=docs_html())
