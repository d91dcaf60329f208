"""Requests and answers without I/O, shared by the async and the sync client."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import attrs
from cattrs import BaseValidationError

import firmtrail_contract
from firmtrail._converters import structured, thorough
from firmtrail._notebook import show_in_notebooks
from firmtrail.errors import ApiError, DecodeError, InvalidClientError, OAuthError, class_of
from firmtrail.responses import RawResponse
from firmtrail_contract import (
    FieldError,
    Problem,
    Violation,
    field_errors,
)

T = TypeVar("T")

MAX_ANSWER_BYTES = 16 * 1024 * 1024

_BAD_REQUEST, _UNAUTHORIZED, _PROXY_UNAUTHORIZED = 400, 401, 407
_WRONG_SERVER = "is this URL a Firmtrail server?"

#: what `path` puts in the place of a project that was left out
CURRENT_PROJECT = "/v1/projects/current"


@attrs.frozen(kw_only=True)
class CallOptions:
    """How a client wants its calls sent; None: as its transport does."""

    #: seconds in all
    timeout: float | None = None
    attempts: int | None = None
    #: instead of that of the API key
    project: uuid.UUID | None = None
    on_response: Callable[[RawResponse], object] | None = None


@attrs.frozen(kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    #: doing it twice is the same as doing it once
    repeatable: bool
    needs_key: bool = True
    #: for how long the server may wait before it answers, beyond what a call may take
    waits_seconds: int = 0
    query: Mapping[str, str | int] = attrs.field(factory=dict[str, "str | int"])
    #: sent as JSON
    body: Any = None
    #: sent as a form
    form: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    #: sent as it is: its media type, and the text
    text: tuple[str, str] | None = attrs.field(default=None, repr=False)
    max_answer_bytes: int = MAX_ANSWER_BYTES
    #: its media type and content coding, where the answer shall be another than JSON
    accept: tuple[str, str] | None = None
    #: it is about the API key itself, whatever the project of the client
    is_of_key: bool = False
    options: CallOptions = attrs.field(default=CallOptions(), repr=False)

    def with_options(self, options: CallOptions) -> Self:
        """Say how to send it, and in which project, if that was left out."""
        place = self.path
        if options.project and not self.is_of_key and f"{place}/".startswith(f"{CURRENT_PROJECT}/"):
            place = f"/v1/projects/{options.project}{place.removeprefix(CURRENT_PROJECT)}"
        return attrs.evolve(self, path=place, options=options)

    @property
    def content(self) -> bytes | None:
        if self.form is not None:
            return urlencode(self.form).encode()
        if self.text is not None:
            return self.text[1].encode()
        return None if self.body is None else json.dumps(thorough.unstructure(self.body)).encode()

    @property
    def headers(self) -> dict[str, str]:
        accept = {} if self.accept is None else {"Accept": self.accept[0], "Accept-Encoding": self.accept[1]}
        return accept | self._content_type

    @property
    def _content_type(self) -> dict[str, str]:
        if self.form is not None:
            return {"Content-Type": "application/x-www-form-urlencoded"}
        if self.text is not None:
            return {"Content-Type": self.text[0]}
        return {} if self.body is None else {"Content-Type": "application/json"}


@attrs.frozen(kw_only=True)
class Answer:
    """One whole answer."""

    status: int
    #: by lower-case name
    headers: Mapping[str, str]
    content: bytes = attrs.field(repr=False)
    #: that it came through, without a password
    proxy: str | None = None

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004  how RFC 9110 defines it

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400  # noqa: PLR2004  how RFC 9110 defines it

    @property
    def refuses_token(self) -> bool:
        """Whether another access token may do: this one has expired, or is not valid any more (RFC 6750)."""
        return self.status == _UNAUTHORIZED and 'error="invalid_token"' in self.headers.get("www-authenticate", "")

    def raw(self, call: Call) -> RawResponse:
        """Show it to the program that made the call."""
        return RawResponse(
            method=call.method,
            path=call.path,
            status=self.status,
            headers=self.headers,
            content=self.content,
            request_id=self.request_id,
        )

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def decode(answer: Answer, model: type[T]) -> T:
    """Build the model that a successful answer holds.

    Raises:
        DecodeError: the answer is no JSON, or breaks the contract.
    """
    errors: list[FieldError] = []
    if (coding := answer.headers.get("content-encoding", "identity")) != "identity":
        message = f"The answer is compressed ({coding}), which was not asked for; {_WRONG_SERVER}"
        raise DecodeError(message, status=answer.status, request_id=answer.request_id)
    if answer.media_type not in {"application/json", ""}:
        message = f"The answer is {answer.media_type}, not application/json; {_WRONG_SERVER}"
        raise DecodeError(message, status=answer.status, request_id=answer.request_id)
    show_in_notebooks(model)
    try:
        return structured(answer.content, model)
    except (BaseValidationError, Violation) as error:
        message, errors = "The answer does not keep to the contract:", field_errors(error)
    except (ValueError, RecursionError):
        message = f"The answer is not JSON; {_WRONG_SERVER}"
    raise DecodeError(message, status=answer.status, request_id=answer.request_id, errors=errors)


def refusal(answer: Answer, call: Call) -> ApiError:
    """Build the error that an unsuccessful answer stands for, whether it says why or not."""
    problem = _read(answer, Problem)
    if (
        problem is None
        and _may_refuse_a_token(answer, call)
        and (said := _read(answer, firmtrail_contract.OAuthRefusal))
    ):
        return _oauth_error(said, answer)
    code = problem.code if problem else None
    return class_of(answer.status, code)(
        status=answer.status,
        title=problem.title if problem else _title(answer),
        detail=problem.detail if problem else "",
        code=code,
        request_id=problem.request_id if problem else answer.request_id,
        retry_after=_retry_after(answer),
        errors=problem.errors if problem else [],
    )


def _may_refuse_a_token(answer: Answer, call: Call) -> bool:
    """Look at where it comes from: many a gateway says `error` too, and none of them is the token endpoint."""
    return call.form is not None and answer.status in {_BAD_REQUEST, _UNAUTHORIZED}


def _oauth_error(said: firmtrail_contract.OAuthRefusal, answer: Answer) -> OAuthError:
    kind = InvalidClientError if said.error is firmtrail_contract.OAuthErrorCode.INVALID_CLIENT else OAuthError
    return kind(
        error=said.error,
        error_description=said.error_description,
        status=answer.status,
        request_id=answer.request_id,
        retry_after=_retry_after(answer),
    )


def _read(answer: Answer, model: type[T]) -> T | None:
    try:
        return thorough.structure(json.loads(answer.content), model)
    except (BaseValidationError, Violation, ValueError, RecursionError):
        return None


def _title(answer: Answer) -> str:
    if answer.is_redirect:
        return "The server redirects elsewhere, which is never followed; use the URL it redirects to."
    if answer.status == _PROXY_UNAUTHORIZED:
        return "The proxy asks for a user and a password, which its URL may hold."
    between = f"the proxy {answer.proxy}" if answer.proxy else "what stands in between, such as a proxy"
    return (
        f"An answer {answer.status} without a problem document is not a Firmtrail server's own. "
        f"Check the url, and {between}."
    )


def _retry_after(answer: Answer) -> float | None:
    """Read the seconds or the date of Retry-After; None when it holds neither."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    moment = _http_date(text)
    if moment is None:
        return None
    # By the clock of the server where it shows it: that of a device may be years away.
    now = _http_date(answer.headers.get("date", "")) or dt.datetime.now(dt.UTC)
    return max(0.0, (moment - now).total_seconds())


def _http_date(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
