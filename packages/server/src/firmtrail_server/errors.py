"""What the server can refuse, as facts. Which status each becomes is said in one place, http/problems.py.

DomainError
├── InvalidRequest          fields of the request, all at once
├── MalformedRequest        not what its format says
├── UnsupportedMediaType
├── Unauthenticated
│   └── TokenNotValid
├── TooManyFailures
├── ScopeMissing
├── UnsupportedGrantType    the token endpoint's own
├── ScopeNotGranted
├── NotFound
│   ├── DeviceNotFound
│   └── SeedNotAllowed
└── Unavailable             try again later
    ├── DatabaseUnavailable
    ├── CommitUncertain
    ├── ReportQueueFull
    ├── CredentialQueueFull
    └── SchemaTooOld        in schema/errors.py
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import ClassVar

from firmtrail_contract import FieldError, ProblemCode


class DomainError(Exception):
    """Something a caller is told. The message says what the caller can do."""

    code: ClassVar[ProblemCode]
    #: when a new try is worth it, if that is known
    retry_after_seconds: int | None = None


class InvalidRequest(DomainError):
    code = ProblemCode.INVALID_REQUEST

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("The request is not valid; each entry of errors names a field and what it must be.")
        self.errors = list(errors)


class MalformedRequest(DomainError):
    code = ProblemCode.MALFORMED_REQUEST


class UnsupportedMediaType(DomainError):
    code = ProblemCode.UNSUPPORTED_MEDIA_TYPE


class Unauthenticated(DomainError):
    code = ProblemCode.UNAUTHENTICATED

    def __init__(self) -> None:
        # One sentence for every reason: which part of a credential was wrong is nobody's business.
        super().__init__(
            "Send the id and the secret of a living API key with HTTP Basic authentication, "
            "or a Bearer token that was got with them."
        )


class TokenNotValid(Unauthenticated):
    def __init__(self) -> None:
        DomainError.__init__(
            self, "This access token is not valid, or not any more. Get a new one from POST /v1/oauth/token."
        )


class TooManyFailures(DomainError):
    code = ProblemCode.TOO_MANY_REQUESTS

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many wrong credentials came from there. Mend them and wait {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class ScopeMissing(DomainError):
    code = ProblemCode.FORBIDDEN

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key or access token may not do that: it lacks the scope {scope}.")
        self.scope = scope


class UnsupportedGrantType(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self, supported: Iterable[str]) -> None:
        super().__init__(f"This grant_type is not supported; possible: {', '.join(supported)}.")


class ScopeNotGranted(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self, possible: Iterable[str]) -> None:
        super().__init__(f"The scope may name these alone, with spaces between: {', '.join(possible)}.")


class NotFound(DomainError):
    code = ProblemCode.NOT_FOUND


class DeviceNotFound(NotFound):
    def __init__(self, device_id: uuid.UUID) -> None:
        super().__init__(f"This API key knows no device {device_id}.")


class SeedNotAllowed(NotFound):
    def __init__(self) -> None:
        super().__init__("This server makes no demo projects. Its operator can allow it with FIRMTRAIL_SEED_ENABLED.")


class Unavailable(DomainError):
    code = ProblemCode.UNAVAILABLE
    retry_after_seconds = 5


class DatabaseUnavailable(Unavailable):
    def __init__(self, cause: BaseException | None = None) -> None:
        super().__init__("The database does not answer at the moment. Try again.")
        self.__cause__ = cause


class CommitUncertain(Unavailable):
    """It must not be repeated blindly, so no moment to try again is named."""

    retry_after_seconds = None

    def __init__(self) -> None:
        super().__init__("The database went away while it stored this. Look whether it did before you try again.")


class ReportQueueFull(Unavailable):
    def __init__(self) -> None:
        super().__init__("More reports arrive than can be stored at the moment. This one was not stored; try again.")


class CredentialQueueFull(Unavailable):
    def __init__(self) -> None:
        super().__init__("More credentials wait to be checked than the server can check soon. Try again.")
