"""Why the server did not take a report, by what has to happen next."""

from __future__ import annotations

import os
from enum import StrEnum

import attrs

from firmtrail import (
    ApiError,
    CertificateRefusedError,
    DecodeError,
    FirmtrailError,
    NotSentError,
    NotTrustedError,
    ProxyFailedError,
)
from firmtrail_agent.validation.redact import one_line

_UNAUTHENTICATED, _PROXY_UNAUTHENTICATED, _FIRST_SERVER_ERROR = 401, 407, 500
#: what anything but the server may ask for by Retry-After
_LONGEST_FOREIGN_WAIT_SECONDS = 15 * 60.0


class Trouble(StrEnum):
    """What went wrong; the gravest first."""

    #: 401, 403: another API key
    CREDENTIALS = "credentials refused"
    #: the server does not know the device, or is no Firmtrail server: another configuration
    CONFIGURATION = "wrong server or device"
    #: a certificate of this device
    CERTIFICATE_REFUSED = "client certificate refused"
    #: another certificate, authority or pin, or the right clock
    NOT_TRUSTED = "server not trusted"
    #: another proxy, or one that lets this device through
    PROXY_FAILED = "proxy failed"
    #: a connection
    NOT_REACHABLE = "server not reachable"
    #: time
    TEMPORARY = "temporary failure"
    #: another version: 400, 413 and 422 are about a record alone
    REJECTED = "rejected"


EXIT_CODES = {
    Trouble.CREDENTIALS: os.EX_NOPERM,
    Trouble.CONFIGURATION: os.EX_CONFIG,
    Trouble.CERTIFICATE_REFUSED: os.EX_CONFIG,
    Trouble.NOT_TRUSTED: os.EX_UNAVAILABLE,
    Trouble.PROXY_FAILED: os.EX_UNAVAILABLE,
    Trouble.NOT_REACHABLE: os.EX_UNAVAILABLE,
    Trouble.TEMPORARY: os.EX_TEMPFAIL,
    Trouble.REJECTED: os.EX_DATAERR,
}


@attrs.frozen(kw_only=True)
class Failure:
    """Why the server did not take something."""

    trouble: Trouble
    message: str
    #: of the answer; None: there was none
    status: int | None = None
    retry_after_seconds: float | None = None
    #: something else than the server answered: a proxy, a portal, another server. It decides nothing for long.
    is_foreign: bool = False

    @property
    def refuses_the_key(self) -> bool:
        """Say whether the server does not know the API key, by its own word."""
        return self.trouble is Trouble.CREDENTIALS and self.status == _UNAUTHENTICATED


def failure_of(error: FirmtrailError) -> Failure:
    """Sort an error of the SDK."""
    if isinstance(error, ApiError):
        return Failure(
            trouble=_trouble(error),
            message=one_line(_words(error)),
            status=error.status,
            retry_after_seconds=_wait(error),
            is_foreign=_is_foreign(error),
        )
    if isinstance(error, CertificateRefusedError):
        message = f"{error} server.client_cert must name one that it takes."
        return Failure(trouble=Trouble.CERTIFICATE_REFUSED, message=one_line(message))
    return Failure(
        trouble=_trouble_on_the_way(error), message=one_line(str(error)), is_foreign=isinstance(error, DecodeError)
    )


def _trouble_on_the_way(error: FirmtrailError) -> Trouble:
    if isinstance(error, NotTrustedError):
        return Trouble.NOT_TRUSTED
    if isinstance(error, ProxyFailedError):
        return Trouble.PROXY_FAILED
    return Trouble.NOT_REACHABLE if isinstance(error, NotSentError) else Trouble.TEMPORARY


def _trouble(error: ApiError) -> Trouble:
    status = error.status
    if status is None:
        return Trouble.REJECTED
    if _is_foreign(error):
        return Trouble.PROXY_FAILED if status == _PROXY_UNAUTHENTICATED else Trouble.TEMPORARY
    if status in {401, 403}:
        return Trouble.CREDENTIALS
    if status in {408, 425, 429} or status >= _FIRST_SERVER_ERROR:
        return Trouble.TEMPORARY
    if status in {400, 413, 422}:
        return Trouble.REJECTED
    return Trouble.CONFIGURATION


def _is_foreign(error: ApiError) -> bool:
    """A server of ours answers every refusal with a problem document, which holds a code."""
    return error.status is not None and error.code is None


def _words(error: ApiError) -> str:
    """Let it say the wait that is kept, and not the month that a foreign answer asked for."""
    if error.retry_after == (wait := _wait(error)):
        return str(error)
    said = {name: getattr(error, name) for name in ("status", "title", "detail", "code", "request_id", "errors")}
    return str(ApiError(**said, retry_after=wait))


def _wait(error: ApiError) -> float | None:
    if error.retry_after is not None and _is_foreign(error):
        return min(error.retry_after, _LONGEST_FOREIGN_WAIT_SECONDS)
    return error.retry_after
