"""A request to the stand-in, read as strictly as the server reads it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError

from firmtrail.testing.access import Key
from firmtrail.testing.refusals import NotAnswered, Refused, invalid
from firmtrail_contract import FieldLocation, ProblemCode, Violation, field_errors, strict_converter
from firmtrail_contract.spelling import typed

T = TypeVar("T")

converter = strict_converter()


@attrs.frozen(kw_only=True)
class Request:
    """What was asked, by whom, about what."""

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])
    content: bytes = attrs.field(default=b"", repr=False)
    caller: Key
    #: that the path names
    ids: Mapping[str, uuid.UUID] = attrs.field(factory=dict[str, uuid.UUID])

    def body(self, model: type[T]) -> T:
        """Read the body, or refuse it with every field that is wrong."""
        try:
            plain: Any = json.loads(self.content)
        except ValueError:
            raise Refused(ProblemCode.MALFORMED_REQUEST, "The body is not valid JSON.") from None
        return structured(plain, model, FieldLocation.BODY)

    def asked(self, model: type[T], *, unanswered: Sequence[str] = ()) -> T:
        """Read the query, or refuse it with every parameter that is wrong.

        Raises:
            NotAnswered: it has a parameter that the stand-in does not answer.
        """
        for name in unanswered:
            if name in self.query:
                raise NotAnswered(f"{self.method} {self.path} with {name}=")
        return structured(typed(self.query, model), model, FieldLocation.QUERY)


def structured(plain: Any, model: type[T], location: FieldLocation) -> T:
    try:
        return converter.structure(plain, model)
    except (BaseValidationError, Violation) as error:
        raise invalid(field_errors(error, location)) from None


@attrs.frozen
class Created:
    """An answer with the status 201."""

    model: Any
