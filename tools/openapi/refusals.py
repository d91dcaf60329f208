"""What can go wrong: one answer per problem code, which operations refer to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from firmtrail_contract import (
    FieldError,
    FieldLocation,
    OAuthRefusal,
    Problem,
    ProblemCode,
    ViolationCode,
    strict_converter,
)
from firmtrail_contract.problems import STATUS, problem_of
from firmtrail_server.http.oauth_errors import OAUTH_PATH, oauth_refusal
from firmtrail_server.http.responses import REQUEST_ID_HEADER
from firmtrail_server.http.route import Route
from tools.openapi.schemas import Schema, Schemas

#: 405 is missing: it belongs to the methods that a path does not have.
_REASONS = {
    ProblemCode.MALFORMED_REQUEST: "The request is not what its format says, such as a body that is not JSON.",
    ProblemCode.UNAUTHENTICATED: "No API key, an unknown one, or a wrong secret; no valid token.",
    ProblemCode.FORBIDDEN: "The caller lacks the scope, or would give more than they have.",
    ProblemCode.NOT_FOUND: "What the path names does not exist for this caller.",
    ProblemCode.NOT_ACCEPTABLE: "The answer has none of the media types that `Accept` names.",
    ProblemCode.REQUEST_TIMEOUT: "The body did not arrive in time; send it again.",
    ProblemCode.CONFLICT: "The request contradicts what is stored; `detail` says with what.",
    ProblemCode.GONE: "It is not there any more; `detail` says what to do instead.",
    ProblemCode.PAYLOAD_TOO_LARGE: "The body is larger than the server takes.",
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as JSON in UTF-8, or has an unknown content coding.",
    ProblemCode.INVALID_REQUEST: "Fields of the request are wrong; `errors` names every one of them.",
    ProblemCode.TOO_MANY_REQUESTS: "Too many wrong credentials came from this address.",
    ProblemCode.INTERNAL: "The server made a mistake; its operator finds the request in the log by its id.",
    ProblemCode.UNAVAILABLE: "The server cannot serve this at the moment; try again.",
}
#: those of the token endpoint, which all of /v1/oauth/ answers
_OAUTH_REASONS = {
    ProblemCode.MALFORMED_REQUEST: "The request is not valid; `error` says whether its grant type or its scope is why.",
    ProblemCode.UNAUTHENTICATED: "No API key, an unknown one, or a wrong secret.",
    ProblemCode.REQUEST_TIMEOUT: _REASONS[ProblemCode.REQUEST_TIMEOUT],
    ProblemCode.PAYLOAD_TOO_LARGE: _REASONS[ProblemCode.PAYLOAD_TOO_LARGE],
    ProblemCode.INTERNAL: _REASONS[ProblemCode.INTERNAL],
    ProblemCode.UNAVAILABLE: _REASONS[ProblemCode.UNAVAILABLE],
}
_CODES = {STATUS[code]: code for code in _REASONS}

REQUEST_ID = {REQUEST_ID_HEADER: {"$ref": "#/components/headers/RequestId"}}
_MORE_HEADERS = {
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: {"Accept-Encoding": {"$ref": "#/components/headers/AcceptEncoding"}},
    ProblemCode.UNAUTHENTICATED: {"WWW-Authenticate": {"$ref": "#/components/headers/Authenticate"}},
    ProblemCode.TOO_MANY_REQUESTS: {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
    ProblemCode.UNAVAILABLE: {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}},
}
HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "Names the request in the server's log.",
        "required": True,
        "schema": {"type": "string"},
    },
    "AcceptEncoding": {
        "description": "How a body may be compressed, if that is why it is refused.",
        "required": False,
        "schema": {"type": "string"},
    },
    "Authenticate": {"description": "How to authenticate.", "required": True, "schema": {"type": "string"}},
    "RetryAfter": {
        "description": "Seconds to wait before the next try.",
        "required": False,
        "schema": {"type": "integer", "minimum": 0},
    },
}


def refusals_of(route: Route) -> dict[str, Schema]:
    """Refer to every refusal that a route can answer with: those of its kind, and those that it declares."""
    if route.path.startswith(OAUTH_PATH):
        return {str(STATUS[code]): {"$ref": f"#/components/responses/oauth_{code}"} for code in _OAUTH_REASONS}
    declared = {status for status in route.statuses if status >= HTTPStatus.BAD_REQUEST}
    by_scope = set[int]() if route.is_public else {401, 403, 429}
    by_path = {404} if route.placeholders else set[int]()
    by_body = {400, 408, 413, 415} if "body" in route.hints else set[int]()
    always = {422, 500, 503}  # 422 too: a parameter that is not known is refused everywhere
    possible = declared | by_scope | by_path | by_body | always
    return {str(status): {"$ref": f"#/components/responses/{_CODES[status]}"} for status in possible}


def all_refusals(schemas: Schemas) -> dict[str, Schema]:
    """Describe every refusal once, by its problem code."""
    problems = {code.value: _problem_answer(code, reason, schemas) for code, reason in _REASONS.items()}
    return problems | {f"oauth_{code}": _oauth_answer(code, reason, schemas) for code, reason in _OAUTH_REASONS.items()}


def _problem_answer(code: ProblemCode, reason: str, schemas: Schemas) -> Schema:
    content = {"schema": schemas.in_answer(Problem), "example": _example(code, reason)}
    return _answer(code, reason, {"application/problem+json": content})


def _oauth_answer(code: ProblemCode, reason: str, schemas: Schemas) -> Schema:
    refusal = oauth_refusal(problem_of(code, reason.replace("`", ""), ""), Exception())
    content = {"schema": schemas.in_answer(OAuthRefusal), "example": strict_converter().unstructure(refusal)}
    return _answer(code, reason, {"application/json": content})


def _answer(code: ProblemCode, reason: str, content: Schema) -> Schema:
    return {"description": reason, "headers": REQUEST_ID | _MORE_HEADERS.get(code, {}), "content": content}


def _example(code: ProblemCode, reason: str) -> Any:
    wrong = FieldError(
        location=FieldLocation.BODY,
        pointer="/version",
        code=ViolationCode.TOO_LONG,
        detail="must have at most 128 characters",
    )
    errors = [wrong] if code is ProblemCode.INVALID_REQUEST else []
    problem = problem_of(code, reason.replace("`", ""), "0f4c9a1de27b4d2c8a3be1f05d6c7a92", errors)
    return strict_converter().unstructure(problem)
