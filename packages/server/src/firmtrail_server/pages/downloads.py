"""From a list to a file: all of its pages, sent while they are read."""

from __future__ import annotations

from aiohttp import hdrs

from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response
from firmtrail_server.http.streamed_response import StreamedResponse
from firmtrail_server.pages.results import Download


async def sent(file: Download, request: Request) -> Response:
    """Make the response once its first block is there: what fails before that is a page as any other.

    Raises:
        DomainError: the file cannot be made.
    """
    headers: dict[str, str] = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"'}
    try:
        first = await anext(file.content)
    except BaseException:
        await _end(file)
        raise
    if request.method == hdrs.METH_HEAD:
        await _end(file)
        return Response(200, f"Content-Type: {file.content_type}\r\nCache-Control: no-store\r\n", headers=headers)
    return StreamedResponse(file.content_type, first, file.content, headers, file.leave)


async def _end(file: Download) -> None:
    file.leave()
    await file.content.aclose()
