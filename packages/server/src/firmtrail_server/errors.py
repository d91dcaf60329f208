"""What the server can refuse, as facts. Which status each becomes is said in one place, the contract's problems.py.

DomainError
├── InvalidRequest          fields of the request, all at once
│   ├── FilterRefused
│   ├── FieldOutOfRange
│   │   ├── NotInTheFuture
│   │   └── NoStrictMoment
│   ├── FingerprintOfMany
│   └── WebhookUrlRefused
├── MalformedRequest        not what its format says
│   └── BodyDamaged
├── MethodNotAllowed
├── NotAcceptable
│   └── ArrowNotInstalled
├── UnsupportedMediaType
│   └── ContentCodingUnknown
├── RequestTooSlow
├── BodyTooLarge
├── Unauthenticated
│   ├── SecretUnproved      its digest is not that of the key: bcrypt has the last word
│   ├── TokenNotValid
│   └── MetricsTokenWrong
├── KeyUnused
├── TooManyFailures
├── Forbidden
│   ├── ScopeMissing
│   ├── RoleTooHigh
│   ├── NoProjectNamed
│   ├── EnrollmentsUsedUp
│   ├── SignUpClosed
│   ├── SignUpByInvitation
│   ├── CurrentPasswordWrong
│   ├── SignUpPasswordWrong
│   ├── NoMailServer
│   └── FormRefused         in pages/forms.py
├── UnsupportedGrantType    the token endpoint's own
├── ScopeNotGranted
├── LoginRefused
├── SessionEnded
├── NotFound
│   ├── PathNotFound
│   ├── OwnerGone
│   ├── ProjectNotFound
│   ├── DeviceNotFound
│   ├── ApiKeyNotFound
│   ├── UserNotFound
│   ├── SessionNotFound
│   ├── CodeNotFound
│   ├── MemberNotFound
│   ├── InvitationNotFound
│   ├── DesiredVersionNotFound
│   ├── WebhookNotFound
│   ├── MetricsNotShown
│   └── SeedNotAllowed
├── Conflict                the request contradicts what is stored
│   ├── ProjectNameTaken
│   ├── DeviceNameTaken
│   ├── HardwareTaken
│   ├── TooManyLabels
│   ├── DeviceRetired
│   ├── DeviceKnown
│   ├── DeviceStillReports
│   ├── DeviceKnownByHalf
│   ├── TooManyDeviceKeys
│   ├── AlreadyMember
│   ├── LastAdmin
│   ├── DesiredVersionEnded
│   ├── PriorityTaken
│   ├── TooManyDesiredVersions
│   ├── TooManyWebhooks
│   └── NameDiffers
├── Gone                    it is not there any more
│   ├── ChangesNotKept
│   └── ChangesNotYetThere
└── Unavailable             try again later
    ├── DatabaseUnavailable
    │   ├── ConnectionBroken
    │   ├── StorageRefused
    │   └── TooManyCollisions
    ├── CommitUncertain
    ├── ReportQueueFull
    ├── CredentialQueueFull
    ├── TooManyImports
    ├── TooManyExports
    ├── TooManyWebhookTests
    ├── ExportTooLong
    └── SchemaTooOld        in db/schema/errors.py
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import ClassVar

from firmtrail_contract import FieldError, FieldLocation, ProblemCode, ViolationCode
from firmtrail_contract.problems import MAX_ERRORS


class DomainError(Exception):
    """Something a caller is told. The message says what the caller can do."""

    code: ClassVar[ProblemCode]
    #: when a new try is worth it, if that is known
    retry_after_seconds: int | None = None


class InvalidRequest(DomainError):
    code = ProblemCode.INVALID_REQUEST

    def __init__(self, errors: Sequence[FieldError]) -> None:
        more = f" These are the first {MAX_ERRORS}; there may be more." if len(errors) >= MAX_ERRORS else ""
        super().__init__(f"The request is not valid; each entry of errors names a field and what it must be.{more}")
        self.errors = list(errors[:MAX_ERRORS])


class FilterRefused(InvalidRequest):
    """A filter of a list that is written wrongly, or asks for too much at once."""

    def __init__(self, parameter: str, detail: str) -> None:
        code, location = ViolationCode.MALFORMED, FieldLocation.QUERY
        super().__init__([FieldError(location=location, pointer=f"/{parameter}", code=code, detail=detail)])


class FieldOutOfRange(InvalidRequest):
    def __init__(self, field: str, detail: str) -> None:
        code, location = ViolationCode.OUT_OF_RANGE, FieldLocation.BODY
        super().__init__([FieldError(location=location, pointer=f"/{field}", code=code, detail=detail)])


class NotInTheFuture(FieldOutOfRange):
    def __init__(self, field: str) -> None:
        super().__init__(field, "must lie in the future")


class NoStrictMoment(FieldOutOfRange):
    def __init__(self) -> None:
        super().__init__("observed_at", "must be given where strict is true, from 2000 on and not in the future")


class FingerprintOfMany(InvalidRequest):
    def __init__(self) -> None:
        detail = "must be this machine's own: makers write this into many machines"
        super().__init__(
            [
                FieldError(
                    location=FieldLocation.BODY,
                    pointer="/hardware_fingerprint",
                    code=ViolationCode.MALFORMED,
                    detail=detail,
                )
            ]
        )


class WebhookUrlRefused(InvalidRequest):
    def __init__(self, detail: str) -> None:
        code, location = ViolationCode.MALFORMED, FieldLocation.BODY
        super().__init__([FieldError(location=location, pointer="/url", code=code, detail=detail)])


class MalformedRequest(DomainError):
    code = ProblemCode.MALFORMED_REQUEST


class BodyDamaged(MalformedRequest):
    def __init__(self) -> None:
        super().__init__("The body breaks off, or is not encoded as its headers say.")


class MethodNotAllowed(DomainError):
    code = ProblemCode.METHOD_NOT_ALLOWED

    def __init__(self, method: str, possible: Iterable[str]) -> None:
        #: as an Allow header lists them
        self.possible = ", ".join(sorted(possible))
        super().__init__(f"{method} is not possible here; possible: {self.possible}.")


class NotAcceptable(DomainError):
    code = ProblemCode.NOT_ACCEPTABLE


class ArrowNotInstalled(NotAcceptable):
    def __init__(self) -> None:
        super().__init__(
            "This server does not write Arrow: its operator can install firmtrail-server[arrow]. Ask for NDJSON or CSV."
        )


class UnsupportedMediaType(DomainError):
    code = ProblemCode.UNSUPPORTED_MEDIA_TYPE


class ContentCodingUnknown(UnsupportedMediaType):
    def __init__(self) -> None:
        super().__init__("Send the body as it is, or compressed once, with the Content-Encoding gzip or deflate.")


class RequestTooSlow(DomainError):
    code = ProblemCode.REQUEST_TIMEOUT

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body did not arrive within {seconds:g} s. Send the request again.")


class BodyTooLarge(DomainError):
    code = ProblemCode.PAYLOAD_TOO_LARGE

    def __init__(self, limit: int) -> None:
        super().__init__(f"Maximum request body size {limit} exceeded.")


class Unauthenticated(DomainError):
    code = ProblemCode.UNAUTHENTICATED

    def __init__(self) -> None:
        # One sentence for every reason: which part of a credential was wrong is nobody's business.
        super().__init__(
            "Send the id and the secret of a living API key with HTTP Basic authentication, "
            "or a Bearer token that was got with them."
        )


class SecretUnproved(Unauthenticated):
    """Not yet what a caller is told: the key may be older than the digests of secrets."""


class KeyUnused(DomainError):
    """Not what a caller is told: the use of a key that came by enrollment has to be noted first."""

    code = ProblemCode.UNAVAILABLE

    def __init__(self, project_id: uuid.UUID, key_id: uuid.UUID) -> None:
        super().__init__("This API key is being used for the first time. Try again.")
        self.project_id = project_id
        self.key_id = key_id


class TokenNotValid(Unauthenticated):
    def __init__(self) -> None:
        DomainError.__init__(
            self, "This access token is not valid, or not any more. Get a new one from POST /v1/oauth/token."
        )


class MetricsTokenWrong(Unauthenticated):
    def __init__(self) -> None:
        DomainError.__init__(self, "Send the token of this server's metrics: Authorization: Bearer TOKEN.")


class TooManyFailures(DomainError):
    code = ProblemCode.TOO_MANY_REQUESTS

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"Too many wrong credentials, or sign-ups, came from there. Wait {retry_after_seconds} s.")
        self.retry_after_seconds = retry_after_seconds


class Forbidden(DomainError):
    code = ProblemCode.FORBIDDEN


class ScopeMissing(Forbidden):
    def __init__(self, scope: str, reason: str = "") -> None:
        super().__init__(reason or f"You may not do that: it takes the scope {scope}.")
        self.scope = scope


class RoleTooHigh(Forbidden):
    def __init__(self, role: str) -> None:
        super().__init__(
            f"You can neither give nor take the role {role}: your own role, or your access token, allows less. Ask an "
            "admin of the project."
        )


class NoProjectNamed(Forbidden):
    def __init__(self) -> None:
        super().__init__("Name the project by its id: only an API key has one of its own. See GET /v1/projects.")


class EnrollmentsUsedUp(Forbidden):
    def __init__(self) -> None:
        super().__init__("This enrollment key has registered all the devices that it may. Ask for a new one.")


class SignUpClosed(Forbidden):
    def __init__(self) -> None:
        super().__init__("This server takes no sign-ups. Ask its operator for a user.")


class SignUpByInvitation(Forbidden):
    def __init__(self) -> None:
        super().__init__("This server takes sign-ups with an invitation only. Ask a project's admin for one.")


class CurrentPasswordWrong(Forbidden):
    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


class SignUpPasswordWrong(Forbidden):
    def __init__(self) -> None:
        super().__init__(
            "The code is right, and this is not the password of its sign-up. Sign up again if you have forgotten it."
        )


class NoMailServer(Forbidden):
    def __init__(self) -> None:
        super().__init__(
            "This server sends no e-mail, so it cannot send you a code. Ask its operator for a new password: "
            "firmtrail-server set-password"
        )


class UnsupportedGrantType(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self, supported: Iterable[str]) -> None:
        super().__init__(f"This grant_type is not supported; possible: {', '.join(supported)}.")


class ScopeNotGranted(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self, possible: Iterable[str]) -> None:
        super().__init__(f"The scope may name these alone, with spaces between: {', '.join(possible)}.")


class LoginRefused(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self) -> None:
        # One sentence for every reason: whether the address is known is nobody's business.
        super().__init__("There is no user with this e-mail address and this password.")


class SessionEnded(DomainError):
    code = ProblemCode.MALFORMED_REQUEST

    def __init__(self) -> None:
        # One sentence for every reason: whether a token once was right is nobody's business.
        super().__init__("This session has ended, or never was one. Log in again.")


class NotFound(DomainError):
    code = ProblemCode.NOT_FOUND


class PathNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is nothing at this path.")


class OwnerGone(NotFound):
    def __init__(self) -> None:
        super().__init__("What this belongs to was deleted in the meantime.")


class ProjectNotFound(NotFound):
    def __init__(self, project_id: uuid.UUID) -> None:
        super().__init__(f"You know no project {project_id}.")


class DeviceNotFound(NotFound):
    def __init__(self, device: uuid.UUID | str) -> None:
        super().__init__(f"You know no device {device}.")


class ApiKeyNotFound(NotFound):
    def __init__(self, api_key_id: uuid.UUID) -> None:
        super().__init__(f"There is no such key {api_key_id} here.")


class UserNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("This user is deleted.")


class SessionNotFound(NotFound):
    def __init__(self, session_id: uuid.UUID) -> None:
        super().__init__(f"You have no session {session_id}: it has ended, or is another user's.")


class CodeNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such code: it was used, has expired, or never was one. Ask for a new one.")


class MemberNotFound(NotFound):
    def __init__(self, user_id: uuid.UUID) -> None:
        super().__init__(f"The project has no member {user_id}.")


class InvitationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such invitation: it is accepted, revoked or expired, or never was one.")


class DesiredVersionNotFound(NotFound):
    def __init__(self, desired_version_id: uuid.UUID) -> None:
        super().__init__(f"The project has no desired version {desired_version_id}.")


class WebhookNotFound(NotFound):
    def __init__(self, webhook_id: uuid.UUID) -> None:
        super().__init__(f"There is no webhook {webhook_id} here.")


class MetricsNotShown(NotFound):
    def __init__(self) -> None:
        super().__init__("This server shows no metrics. Its operator can allow it with FIRMTRAIL_METRICS_TOKEN.")


class SeedNotAllowed(NotFound):
    def __init__(self) -> None:
        super().__init__("This server makes no demo projects. Its operator can allow it with FIRMTRAIL_SEED_ENABLED.")


class Conflict(DomainError):
    code = ProblemCode.CONFLICT


class ProjectNameTaken(Conflict):
    def __init__(self, name: str, project_id: uuid.UUID) -> None:
        super().__init__(
            f"You are in a project named {name!r} already, {project_id}: use it, or take another name for the new one."
        )


class DeviceNameTaken(Conflict):
    def __init__(self, name: str, device_id: uuid.UUID) -> None:
        super().__init__(f"The device {device_id} of this project is named {name!r} already. Rename one of the two.")


class HardwareTaken(Conflict):
    def __init__(self, name: str, device_id: uuid.UUID) -> None:
        super().__init__(f"This hardware is registered already, as the device {device_id}, named {name!r}.")


class TooManyLabels(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The device would have more than {limit} labels. Remove some: give them the value null.")


class DeviceRetired(Conflict):
    def __init__(self, device_id: uuid.UUID) -> None:
        super().__init__(f"The device {device_id} is retired. Restore it first.")


class DeviceKnown(Conflict):
    def __init__(self, name: str, device_id: uuid.UUID) -> None:
        super().__init__(
            f"This device is registered already, as {device_id}, named {name!r}; this enrollment key replaces no keys."
        )


class DeviceStillReports(Conflict):
    def __init__(self, device_id: uuid.UUID, min_silence_seconds: int) -> None:
        super().__init__(
            f"This device is registered already, as {device_id}, and has just reported: this enrollment key replaces "
            f"the API keys of a device only after it has been quiet for {min_silence_seconds} seconds. If it is this "
            "machine, stop its agent for so long; if another one has its name and its hardware, rename this one."
        )


class DeviceKnownByHalf(Conflict):
    """It does not say which: who holds an enrollment key shall not find out what devices there are."""

    def __init__(self) -> None:
        super().__init__(
            "Another device of the project has this name or this hardware fingerprint. "
            "An admin finds it in the audit trail: device.enrollment_refused."
        )


class TooManyDeviceKeys(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The device has {limit} living API keys already. Delete the one that it no longer uses.")


class AlreadyMember(Conflict):
    def __init__(self) -> None:
        super().__init__("You are a member of this project already; the invitation stays open for somebody else.")


class LastAdmin(Conflict):
    def __init__(self, project_ids: Sequence[uuid.UUID]) -> None:
        named = ", ".join(map(str, project_ids))
        super().__init__(f"There would be no admin left in {named}. Make another member an admin first.")


class DesiredVersionEnded(Conflict):
    def __init__(self, desired_version_id: uuid.UUID) -> None:
        super().__init__(f"The desired version {desired_version_id} has ended already: it cannot be replaced.")


class PriorityTaken(Conflict):
    def __init__(self, priority: int, desired_version_id: uuid.UUID) -> None:
        super().__init__(
            f"The desired version {desired_version_id} of this component has the priority {priority}. "
            "Take another priority, or replace it."
        )


class TooManyDesiredVersions(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The project has {limit} desired versions in force already. End one that is not needed.")


class TooManyWebhooks(Conflict):
    def __init__(self, most: int) -> None:
        super().__init__(f"The project has {most} webhooks, which is as many as there may be. Delete one first.")


class NameDiffers(Conflict):
    def __init__(self) -> None:
        super().__init__("The project has another name. Give its exact name to delete it.")


class Gone(DomainError):
    code = ProblemCode.GONE


class ChangesNotKept(Gone):
    def __init__(self, after: int, first_number: int) -> None:
        super().__init__(
            f"The changes after number {after} are not kept any more: the first that is has number {first_number}. "
            "Export the history again, and go on from the number that the export names."
        )


class ChangesNotYetThere(Gone):
    def __init__(self, after: int, last_number: int) -> None:
        super().__init__(
            f"There is no change number {after}: the last has number {last_number}, so the database was restored from "
            "a backup. Export the history again, and go on from the number that the export names."
        )


class Unavailable(DomainError):
    code = ProblemCode.UNAVAILABLE
    retry_after_seconds = 5


class DatabaseUnavailable(Unavailable):
    def __init__(self, cause: BaseException | None = None) -> None:
        super().__init__("The database does not answer at the moment. Try again.")
        self.__cause__ = cause


class ConnectionBroken(DatabaseUnavailable):
    """It had been good: the database ended it, and may take another."""


class StorageRefused(DatabaseUnavailable):
    """Its operator has to act, so a new try is not worth much soon."""

    retry_after_seconds = 30

    def __init__(self, cause: BaseException | None = None) -> None:
        Unavailable.__init__(
            self, "The database has no room, or may only be read, at the moment. Nothing was stored; try again later."
        )
        self.__cause__ = cause


class TooManyCollisions(DatabaseUnavailable):
    def __init__(self, cause: BaseException | None = None) -> None:
        Unavailable.__init__(self, "Others kept changing what this reads or writes. Nothing was stored; try again.")
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


class TooManyImports(Unavailable):
    def __init__(self) -> None:
        super().__init__("Other imports are running. Nothing of this one was read; try again.")


class TooManyExports(Unavailable):
    """Their number is an operator's setting: exports take minutes, and must leave the database to reports."""

    retry_after_seconds = 20

    def __init__(self) -> None:
        super().__init__("Other exports are running. Nothing of this one was read; try again.")


class TooManyWebhookTests(Unavailable):
    def __init__(self) -> None:
        super().__init__("Other tests of webhooks are being sent. Nothing of this one was; try again.")


class ExportTooLong(Unavailable):
    retry_after_seconds = None

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The export was not read within {seconds:g} s and was stopped: use resumable=true, or filters."
        )
