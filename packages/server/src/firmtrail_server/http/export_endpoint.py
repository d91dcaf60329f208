"""What serves the route that streams a history: in the format that the client accepts, and few at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import ExitStack
from importlib import import_module
from typing import Final

from aiohttp import hdrs

from firmtrail_contract import ARROW_TYPE
from firmtrail_server.errors import ArrowNotInstalled, NotAcceptable
from firmtrail_server.exports.formats import CSV, NDJSON, Format
from firmtrail_server.exports.writer import Writer
from firmtrail_server.http.authorization_header import read_credential
from firmtrail_server.http.content_coding import GzipCompressor, ZstdCompressor
from firmtrail_server.http.endpoint import Call, Endpoint
from firmtrail_server.http.negotiation import accepted
from firmtrail_server.http.request import Request
from firmtrail_server.http.requests import Named
from firmtrail_server.http.responses import Response
from firmtrail_server.http.streamed_response import StreamedResponse

_TEXTS: Final = {form.media_type: form for form in (NDJSON, CSV)}
_COMPRESSORS: Final = {kind.coding: kind for kind in (ZstdCompressor, GzipCompressor)}
_AS_IT_IS = "identity"


class ExportEndpoint(Endpoint):
    """Answers with its status once the first rows are there; what fails before them is an answer as any other."""

    async def respond(self, request: Request, named: Named) -> Response:
        """Serve a request; `named` is what its path names.

        Raises:
            DomainError: it is refused.
        """
        credential = request.caller = read_credential(request, self.services.authentication)
        call = Call(request, named, credential)
        arguments = await self.read_arguments(call)
        ctx = await self.permit(call)
        form, coding = _format(request), _coding(request)
        writer = Writer(form, _COMPRESSORS[coding]() if coding in _COMPRESSORS else None)
        with ExitStack() as stack:
            stack.enter_context(self.services.exporter.place())
            export = await self.route.handler(ctx, **self._in_project(ctx, arguments))
            stream = self.services.exporter.content(export, writer)
            first = await _first_of(stream)
            leave = stack.pop_all().close
        headers: dict[str, str] = {hdrs.VARY: f"{hdrs.ACCEPT}, {hdrs.ACCEPT_ENCODING}"}
        if coding != _AS_IT_IS:
            headers[hdrs.CONTENT_ENCODING] = coding
        return StreamedResponse(form.media_type, first, stream, headers, leave)


async def _first_of(stream: AsyncGenerator[bytes]) -> bytes:
    try:
        return await anext(stream)
    except BaseException:
        await stream.aclose()
        raise


def _format(request: Request) -> Format:
    media_type = accepted(request, hdrs.ACCEPT, [*_TEXTS, ARROW_TYPE])
    if media_type is None:
        raise NotAcceptable(f"Accept one of {', '.join([*_TEXTS, ARROW_TYPE])}.")
    return _arrow() if media_type == ARROW_TYPE else _TEXTS[media_type]


def _arrow() -> Format:
    try:
        import_module("adbc_driver_postgresql")
        import_module("nanoarrow")
        from firmtrail_server.exports.arrow import ArrowFormat  # noqa: PLC0415  so is what it imports
    except ImportError:
        raise ArrowNotInstalled from None
    return ArrowFormat()


def _coding(request: Request) -> str:
    """Compress for those that ask for it; others get it as it is, whatever they say of that."""
    if hdrs.ACCEPT_ENCODING not in request.headers:
        return _AS_IT_IS
    return accepted(request, hdrs.ACCEPT_ENCODING, [*_COMPRESSORS, _AS_IT_IS]) or _AS_IT_IS
