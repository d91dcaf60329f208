"""Requests and answers without I/O, shared by the async and the sync client."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError

from firmtrail.errors import ApiError, DecodeError, class_of
from firmtrail_contract import Problem, Violation, field_errors, lenient_converter

T = TypeVar("T")

MAX_ANSWER_BYTES = 16 * 1024 * 1024

_converter = lenient_converter()


@attrs.frozen(kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    #: doing it twice is the same as doing it once
    repeatable: bool
    query: Mapping[str, str | int] = attrs.field(factory=dict[str, "str | int"])
    body: Any = None

    @property
    def content(self) -> bytes | None:
        return None if self.body is None else json.dumps(_converter.unstructure(self.body)).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.body is None else {"Content-Type": "application/json"}


@attrs.frozen(kw_only=True)
class Answer:
    """One whole answer."""

    status: int
    #: by lower-case name
    headers: Mapping[str, str]
    content: bytes = attrs.field(repr=False)

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")

    @property
    def is_success(self) -> bool:
        return self.status in {200, 201, 202}


def decode(answer: Answer, model: type[T]) -> T:
    """Build the model that a successful answer holds.

    Raises:
        DecodeError: the answer is no JSON, or breaks the contract.
    """
    try:
        return _converter.structure(json.loads(answer.content), model)
    except (BaseValidationError, Violation) as error:
        message, errors = "The answer does not keep to the contract:", field_errors(error)
    except (ValueError, RecursionError):
        message, errors = "The answer is not JSON; is this URL a Firmtrail server?", []
    raise DecodeError(message, status=answer.status, request_id=answer.request_id, errors=errors)


def refusal(answer: Answer) -> ApiError:
    """Build the error that an unsuccessful answer stands for, a problem document or not."""
    problem = _problem(answer)
    code = problem.code if problem else None
    return class_of(answer.status, code)(
        status=answer.status,
        title=problem.title if problem else _title(answer),
        detail=problem.detail if problem else "",
        code=code,
        request_id=problem.request_id if problem else answer.request_id,
        retry_after=_retry_after(answer.headers.get("retry-after")),
        errors=problem.errors if problem else [],
    )


def _problem(answer: Answer) -> Problem | None:
    try:
        return _converter.structure(json.loads(answer.content), Problem)
    except (BaseValidationError, Violation, ValueError, RecursionError):
        return None


def _title(answer: Answer) -> str:
    if 300 <= answer.status < 400:  # noqa: PLR2004
        return "The server redirects elsewhere, which is never followed; use the URL it redirects to"
    return f"The server answered {answer.status} without a problem document."


def _retry_after(text: str | None) -> float | None:
    """Read the seconds or the date of a Retry-After header; None when it holds neither."""
    if not text:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - dt.datetime.now(moment.tzinfo)).total_seconds())
