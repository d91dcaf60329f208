"""What everything that went wrong is answered with: a problem document."""

from __future__ import annotations

from aiohttp import hdrs

from firmtrail_contract import Problem, ProblemCode
from firmtrail_contract.problems import problem_of
from firmtrail_server.errors import (
    ContentCodingUnknown,
    DomainError,
    InvalidRequest,
    MethodNotAllowed,
    PathNotFound,
    ScopeMissing,
    Unauthenticated,
)
from firmtrail_server.http.content_coding import UNDERSTOOD
from firmtrail_server.http.oauth_errors import OAUTH_PATH, oauth_refusal, oauth_status
from firmtrail_server.http.request import Request
from firmtrail_server.http.responses import Response, oauth_response, problem_response, redirect_response

_BASIC = 'Basic realm="firmtrail", charset="UTF-8"'
_BEARER = 'Bearer realm="firmtrail"'


def refusal(error: Exception, request: Request, home: str = "/docs") -> Response:
    """Answer what went wrong with a problem document, or below /v1/oauth/ with what its RFC asks for.

    A browser at the root, where there is nothing, is led to `home`.
    """
    if isinstance(error, PathNotFound) and _is_a_browser_at_the_root(request):
        return redirect_response(home)
    problem, headers = _problem(error, request)
    if request.path.startswith(OAUTH_PATH):
        return oauth_response(oauth_refusal(problem, error), oauth_status(problem), headers)
    return problem_response(problem, headers)


def _is_a_browser_at_the_root(request: Request) -> bool:
    asks = request.method in (hdrs.METH_GET, hdrs.METH_HEAD) and request.path == "/"
    return asks and "text/html" in request.headers.get(hdrs.ACCEPT, "")


def _problem(error: Exception, request: Request) -> tuple[Problem, dict[str, str]]:
    if not isinstance(error, DomainError):
        detail = "The server made a mistake. Its operator finds this request in the log by its id."
        return problem_of(ProblemCode.INTERNAL, detail, request.id), {}
    errors = error.errors if isinstance(error, InvalidRequest) else []
    return problem_of(error.code, str(error), request.id, errors), _headers(error, request)


def _headers(error: DomainError, request: Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    if challenge := _challenge(error, request):
        headers[hdrs.WWW_AUTHENTICATE] = challenge
    if error.retry_after_seconds is not None:
        headers[hdrs.RETRY_AFTER] = str(error.retry_after_seconds)
    if isinstance(error, ContentCodingUnknown):
        headers[hdrs.ACCEPT_ENCODING] = UNDERSTOOD
    if isinstance(error, MethodNotAllowed):
        headers[hdrs.ALLOW] = error.possible
    return headers


def _challenge(error: DomainError, request: Request) -> str:
    """Say how to authenticate, or with what instead (RFC 6750, section 3)."""
    match error:
        case Unauthenticated() if request.headers.get(hdrs.AUTHORIZATION, "").lower().startswith("bearer "):
            return f'{_BASIC}, {_BEARER}, error="invalid_token"'
        case Unauthenticated():
            return f"{_BASIC}, {_BEARER}"
        case ScopeMissing():
            return f'{_BEARER}, error="insufficient_scope", scope="{error.scope}"'
        case _:
            return ""
