"""What can go wrong, from widest to narrowest. Every error pickles; none holds an object of the HTTP library.

FirmtrailError
├── ConfigError                    a setting that cannot be used
├── CredentialsError               an API key that is missing or is none
├── ClientClosedError              a call of a client that was closed
├── MissingExtraError              frames or pictures need a library that is not installed; also an ImportError
├── TransportError                 .maybe_applied
│   ├── NotSentError               the request never left
│   │   ├── NotTrustedError        the server's certificate is not the right one
│   │   ├── CertificateRefusedError  the client's is not, or there is none
│   │   └── ProxyFailedError       the proxy on the way cannot be reached, or does not lead to the server
│   ├── ConnectionLostError        it left, and no whole answer came back
│   └── DeadlineExceededError      also a TimeoutError
├── DecodeError                    a success that breaks the contract, with JSON paths
└── ApiError                       the server refused: .status .code .title .detail .request_id .retry_after .errors
    ├── InvalidRequestError        400, 422, and what is refused here before it is sent
    ├── AuthenticationError        401
    ├── PermissionDeniedError      403
    ├── NotFoundError              404
    ├── ConflictError              409
    ├── GoneError                  410
    ├── PreconditionFailedError    412
    ├── PayloadTooLargeError       413
    ├── RateLimitedError           429
    ├── ServerError                5xx
    └── OAuthError                 no access token: .error .error_description
        └── InvalidClientError     401, also an AuthenticationError
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from firmtrail_contract import FieldError, ProblemCode

_SHOWN_FIELDS = 5
_FIRST_SERVER_ERROR = 500


class FirmtrailError(Exception):
    """Base of everything this library raises. The message says what to do."""

    #: the message in the words of the command, where it names arguments of Python
    in_shell: str | None = None

    @classmethod
    def said(cls, message: str, *, in_shell: str) -> Self:
        """Make an error whose message names arguments of Python, which a command has under other names."""
        error = cls(message)
        error.in_shell = in_shell
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without calling a constructor that asks for keywords."""
        return _rebuilt, (type(self), self.args, self.__dict__)


class ConfigError(FirmtrailError):
    """A setting cannot be used; the message names the argument, variable or file."""


class CredentialsError(FirmtrailError):
    """A call needs an API key and there is none, or the text given is no API key."""


class ClientClosedError(FirmtrailError):
    """The client was closed before the call."""


class MissingExtraError(FirmtrailError, ImportError):
    """Frames or pictures need a library that is not installed; the message says how to install it."""

    def __init__(self, extra: str, library: str) -> None:
        super().__init__(f"{library} is not installed. Run: pip install 'firmtrail[{extra}]'")
        #: the extra of this package that installs the library
        self.extra = extra


class TransportError(FirmtrailError):
    """No whole answer came back."""

    def __init__(self, message: str, *, maybe_applied: bool = False) -> None:
        super().__init__(message)
        #: the server may have done it although no answer came, and doing it again would do it twice
        self.maybe_applied = maybe_applied


class NotSentError(TransportError):
    """The server could not be reached: unknown name, refused connection, failed TLS, no free connection."""


class NotTrustedError(NotSentError):
    """The server's certificate is of no trusted authority, for another name, or not valid by this machine's clock."""


class CertificateRefusedError(NotSentError):
    """The server asks for a client certificate, or refuses the one that it was shown; it has not read the request."""


class ProxyFailedError(NotSentError):
    """The proxy on the way cannot be reached, or does not lead to the server, of which nothing is known."""


class ConnectionLostError(TransportError):
    """The request was sent and the connection broke, or stayed silent, before the whole answer was there."""


class DeadlineExceededError(TransportError, TimeoutError):
    """The call, with all its attempts, took longer than the client's `timeout`."""


class DecodeError(FirmtrailError):
    """The server says the call succeeded, in an answer this version of the library cannot read."""

    def __init__(
        self, message: str, *, status: int, request_id: str | None = None, errors: Iterable[FieldError] = ()
    ) -> None:
        self.status = status
        self.request_id = request_id
        #: each place in the answer that is wrong, as a JSON Pointer
        self.errors: Sequence[FieldError] = tuple(errors)
        super().__init__(_sentence(message, self.errors, _reference(status, None, request_id)))


class ApiError(FirmtrailError):
    """The server answered and refused; a subclass says why."""

    def __init__(  # noqa: PLR0913  the facts of a problem document, each with its name
        self,
        *,
        status: int | None,
        title: str,
        detail: str = "",
        code: ProblemCode | str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        errors: Iterable[FieldError] = (),
    ) -> None:
        #: of the HTTP answer; None when the request was refused here and never sent
        self.status = status
        self.title = title
        self.detail = detail
        #: stable, for programs; plain text when this version does not know it, None when the answer holds none
        self.code = code
        #: names the request in the server's log
        self.request_id = request_id
        #: seconds to wait before trying again, if the server said so
        self.retry_after = retry_after
        #: each field that was refused
        self.errors: Sequence[FieldError] = tuple(errors)
        wait = "" if retry_after is None else f" Try again in {retry_after:.0f} s."
        super().__init__(_sentence((detail or title) + wait, self.errors, _reference(status, code, request_id)))


class InvalidRequestError(ApiError):
    """The request is not valid; `errors` names the fields. With `status` None it was refused before it was sent."""

    @classmethod
    def before_sending(cls, errors: Iterable[FieldError]) -> Self:
        """Refuse a request that the server would refuse."""
        return cls(status=None, title="The request is not valid.", code=ProblemCode.INVALID_REQUEST, errors=errors)


class AuthenticationError(ApiError):
    """The server does not know the API key, or the key was revoked."""


class PermissionDeniedError(ApiError):
    """The API key may not do that."""


class NotFoundError(ApiError):
    """There is no such thing, or the API key may not see it."""


class ConflictError(ApiError):
    """The request contradicts what the server holds."""


class GoneError(ApiError):
    """It is not there any more, such as changes that are older than the server keeps them."""


class PreconditionFailedError(ApiError):
    """What the server holds has changed since it was read."""


class PayloadTooLargeError(ApiError):
    """The request is larger than the server takes."""


class RateLimitedError(ApiError):
    """Too many requests; `retry_after` says how long to wait."""


class ServerError(ApiError):
    """The server failed, or cannot serve at the moment."""


class OAuthError(ApiError):
    """The server gave no access token; `error` says why, in a word of RFC 6749."""

    def __init__(
        self,
        *,
        error: str,
        error_description: str,
        status: int | None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        #: stable, for programs; also the `code`
        self.error = error
        self.error_description = error_description
        super().__init__(
            status=status,
            title=f"The server gave no access token: {error}.",
            detail=error_description,
            code=error,
            request_id=request_id,
            retry_after=retry_after,
        )


class InvalidClientError(OAuthError, AuthenticationError):
    """The server does not know the API key, or the key was revoked: it gives no access token for it."""


#: The class of every code of the contract.
BY_CODE: dict[ProblemCode, type[ApiError]] = {
    ProblemCode.MALFORMED_REQUEST: InvalidRequestError,
    ProblemCode.INVALID_REQUEST: InvalidRequestError,
    ProblemCode.UNAUTHENTICATED: AuthenticationError,
    ProblemCode.FORBIDDEN: PermissionDeniedError,
    ProblemCode.NOT_FOUND: NotFoundError,
    ProblemCode.METHOD_NOT_ALLOWED: ApiError,
    ProblemCode.NOT_ACCEPTABLE: ApiError,
    ProblemCode.REQUEST_TIMEOUT: ApiError,
    ProblemCode.CONFLICT: ConflictError,
    ProblemCode.GONE: GoneError,
    ProblemCode.PAYLOAD_TOO_LARGE: PayloadTooLargeError,
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: ApiError,
    ProblemCode.TOO_MANY_REQUESTS: RateLimitedError,
    ProblemCode.INTERNAL: ServerError,
    ProblemCode.UNAVAILABLE: ServerError,
}

#: For codes of a newer server, and for answers of something that stands in front of it.
BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    422: InvalidRequestError,
    429: RateLimitedError,
}


def class_of(status: int, code: ProblemCode | str | None) -> type[ApiError]:
    """Choose the class of a refusal by its code, else by its status."""
    if isinstance(code, ProblemCode):
        return BY_CODE[code]
    return BY_STATUS.get(status, ServerError if status >= _FIRST_SERVER_ERROR else ApiError)


def _rebuilt(kind: type[FirmtrailError], args: tuple[Any, ...], state: dict[str, Any]) -> FirmtrailError:
    error = kind.__new__(kind, *args)
    error.args = args  # a TimeoutError does not take them from __new__
    error.__dict__.update(state)
    return error


def _sentence(message: str, errors: Sequence[FieldError], reference: str) -> str:
    named = [f"{error.pointer or 'the whole of it'} {error.detail}" for error in errors[:_SHOWN_FIELDS]]
    if len(errors) > _SHOWN_FIELDS:
        named.append(f"{len(errors) - _SHOWN_FIELDS} more")
    fields = " " + "; ".join(named) + "." if named else ""
    return f"{message}{fields}{reference}"


def _reference(status: int | None, code: ProblemCode | str | None, request_id: str | None) -> str:
    facts = [str(fact) for fact in (status, code) if fact is not None]
    if request_id:
        facts.append(f"request {request_id}")
    return f" ({', '.join(facts)})" if facts else ""
