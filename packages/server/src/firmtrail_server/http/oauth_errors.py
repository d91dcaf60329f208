"""Below /v1/oauth/ refusals have the shape of RFC 6749, section 5.2, instead of a problem document's."""

from __future__ import annotations

import re

from firmtrail_contract import OAuthErrorCode, OAuthRefusal, Problem, ProblemCode
from firmtrail_server.errors import LoginRefused, ScopeNotGranted, SessionEnded, UnsupportedGrantType

OAUTH_PATH = "/v1/oauth/"

_BY_ERROR: dict[type[Exception], OAuthErrorCode] = {
    UnsupportedGrantType: OAuthErrorCode.UNSUPPORTED_GRANT_TYPE,
    ScopeNotGranted: OAuthErrorCode.INVALID_SCOPE,
    LoginRefused: OAuthErrorCode.INVALID_GRANT,
    SessionEnded: OAuthErrorCode.INVALID_GRANT,
}
_BY_CODE = {
    ProblemCode.UNAUTHENTICATED: OAuthErrorCode.INVALID_CLIENT,
    ProblemCode.TOO_MANY_REQUESTS: OAuthErrorCode.TEMPORARILY_UNAVAILABLE,
    ProblemCode.REQUEST_TIMEOUT: OAuthErrorCode.TEMPORARILY_UNAVAILABLE,
    ProblemCode.INTERNAL: OAuthErrorCode.SERVER_ERROR,
    ProblemCode.UNAVAILABLE: OAuthErrorCode.TEMPORARILY_UNAVAILABLE,
}
#: what the RFC asks for where HTTP could be more precise
_STATUS = {415: 400, 422: 400}
_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def oauth_status(problem: Problem) -> int:
    return _STATUS.get(problem.status, problem.status)


def oauth_refusal(problem: Problem, error: Exception) -> OAuthRefusal:
    """Say the same as a problem does; what is wrong with which field goes into the one sentence there is."""
    code = _BY_ERROR.get(type(error)) or _BY_CODE.get(problem.code, OAuthErrorCode.INVALID_REQUEST)
    fields = "; ".join(f"{one.pointer.removeprefix('/')} {one.detail}" for one in problem.errors)
    return OAuthRefusal(error=code, error_description=_NOT_ALLOWED.sub("?", fields or problem.detail))
