"""What the stand-in refuses, as the server does, and what it does not answer at all."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from firmtrail_contract import FieldError, FieldLocation, ProblemCode, ViolationCode


class NotAnswered(AssertionError):
    """The stand-in has no honest answer to this request. The message names what it is, and what answers it instead.

    It is no error that a program would take for one of the server: it ends the test.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The stand-in does not answer {what}. Test it against a real server: the fixture firmtrail_real_server."
        )


class Refused(Exception):
    """What the server would refuse with a problem document."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def invalid(errors: Sequence[FieldError]) -> Refused:
    return Refused(ProblemCode.INVALID_REQUEST, "The request has fields that are not allowed: see errors.", errors)


def invalid_parameter(name: str, detail: str, code: ViolationCode = ViolationCode.MALFORMED) -> Refused:
    return invalid([FieldError(location=FieldLocation.QUERY, pointer=f"/{name}", code=code, detail=detail)])


def invalid_field(name: str, detail: str, code: ViolationCode = ViolationCode.OUT_OF_RANGE) -> Refused:
    return invalid([FieldError(location=FieldLocation.BODY, pointer=f"/{name}", code=code, detail=detail)])


def no_device(device: uuid.UUID | str) -> Refused:
    return Refused(ProblemCode.NOT_FOUND, f"You know no device {device}.")


def retired(device_id: uuid.UUID) -> Refused:
    return Refused(ProblemCode.CONFLICT, f"The device {device_id} is retired. Restore it first.")
