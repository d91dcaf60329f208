"""Errors on the wire: RFC 9457 problem documents with a stable code."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import attrs

from firmtrail_contract.limits import ViolationCode

#: that one problem names: a request must not be answered with many times what was sent
MAX_ERRORS = 100


class ProblemCode(StrEnum):
    """Why a request was refused; stable, for programs."""

    MALFORMED_REQUEST = "malformed_request"
    INVALID_REQUEST = "invalid_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    GONE = "gone"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


#: of the answer that says it
STATUS: Final = {
    ProblemCode.MALFORMED_REQUEST: 400,
    ProblemCode.UNAUTHENTICATED: 401,
    ProblemCode.FORBIDDEN: 403,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.METHOD_NOT_ALLOWED: 405,
    ProblemCode.NOT_ACCEPTABLE: 406,
    ProblemCode.REQUEST_TIMEOUT: 408,
    ProblemCode.CONFLICT: 409,
    ProblemCode.GONE: 410,
    ProblemCode.PAYLOAD_TOO_LARGE: 413,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ProblemCode.INVALID_REQUEST: 422,
    ProblemCode.TOO_MANY_REQUESTS: 429,
    ProblemCode.INTERNAL: 500,
    ProblemCode.UNAVAILABLE: 503,
}


class FieldLocation(StrEnum):
    """The part of a request in which a field stands."""

    BODY = "body"
    PATH = "path"
    QUERY = "query"


@attrs.frozen(kw_only=True)
class FieldError:
    """One field that was refused."""

    location: FieldLocation
    #: an RFC 6901 JSON Pointer from the location's root: `/version`, or an empty string for the whole of it
    pointer: str
    code: ViolationCode
    detail: str


@attrs.frozen(kw_only=True)
class Problem:
    """An RFC 9457 problem document."""

    code: ProblemCode
    title: str
    status: int
    detail: str
    #: names the request in the server's log
    request_id: str
    #: at most 100, the first ones of a request that has more
    errors: list[FieldError] = attrs.field(factory=list["FieldError"])


def problem_of(code: ProblemCode, detail: str, request_id: str, errors: list[FieldError] | None = None) -> Problem:
    return Problem(
        code=code,
        title=code.replace("_", " ").capitalize(),
        status=STATUS[code],
        detail=detail,
        request_id=request_id,
        errors=errors or [],
    )
