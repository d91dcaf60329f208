"""Reading a request strictly: every field that is wrong, wherever it stands, at once."""

from __future__ import annotations

import re
from typing import Any

import attrs
import orjson
from aiohttp import web
from cattrs import BaseValidationError
from multidict import MultiMapping

from firmtrail_contract import FieldError, FieldLocation, Violation, ViolationCode, field_errors, strict_converter
from firmtrail_server.errors import InvalidRequest, MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.rows import Rows

_converter = strict_converter()
_converter.register_structure_hook(Rows, lambda rows, _: rows)  # the handler reads them one by one
_TRUE_OR_FALSE = {"true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


async def read_body(request: web.Request) -> Any:
    """Read a JSON body as plain values.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON.
        MalformedRequest: it is not JSON, or nested too deeply.
        web.HTTPRequestEntityTooLarge: it is larger than the server takes.
    """
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8":
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")
    try:
        return orjson.loads(await read_bytes(request))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}.") from None


async def read_bytes(request: web.Request) -> bytes:
    """Read a whole body.

    Raises:
        MalformedRequest: it breaks off, or is not packed as it says.
        web.HTTPRequestEntityTooLarge: it is larger than the server takes.
    """
    try:
        return await request.read()
    except web.RequestPayloadError:
        raise MalformedRequest("The body breaks off, or is not encoded as its headers say.") from None


@attrs.define
class Arguments:
    """What a handler will be called with, as far as it is right, and what was wrong."""

    found: dict[str, Any] = attrs.field(factory=dict[str, Any])
    _errors: list[FieldError] = attrs.field(factory=list[FieldError])

    def add_path(self, name: str, text: str, kind: Any) -> None:
        self._structure(name, text, kind, FieldLocation.PATH, f"/{name}")

    def add_query(self, query: MultiMapping[str], model: Any) -> None:
        """Refuse repeated parameters, and all parameters of a route that takes none."""
        self._errors += [_error(name, "may be given once") for name in {*query} if len(query.getall(name)) > 1]
        if model is not None:
            self._structure("query", _typed(query, model), model, FieldLocation.QUERY, "")
        else:
            self._errors += [_error(name, "is not a parameter here", ViolationCode.UNKNOWN_FIELD) for name in {*query}]

    def add_body(self, value: Any, model: Any) -> None:
        self._structure("body", value, model, FieldLocation.BODY, "")

    def checked(self) -> dict[str, Any]:
        """All arguments, or `InvalidRequest` with everything that was wrong."""
        if self._errors:
            raise InvalidRequest(self._errors)
        return self.found

    def _structure(self, name: str, value: Any, kind: Any, location: FieldLocation, pointer: str) -> None:
        try:
            self.found[name] = _converter.structure(value, kind)
        except (BaseValidationError, Violation) as error:
            self._errors += [attrs.evolve(e, pointer=pointer + e.pointer) for e in field_errors(error, location)]


def _typed(query: MultiMapping[str], model: Any) -> dict[str, Any]:
    """A query string knows only text: give the fields that are numbers, or true or false, what they spell."""
    kinds = {field.name: field.type for field in attrs.fields(attrs.resolve_types(model))}
    return {name: _spelt(text, kinds.get(name)) for name, text in query.items()}


def _spelt(text: str, kind: Any) -> Any:
    if kind is int and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if kind is bool:
        return _TRUE_OR_FALSE.get(text, text)
    return text


def _error(name: str, detail: str, code: ViolationCode = ViolationCode.MALFORMED) -> FieldError:
    return FieldError(location=FieldLocation.QUERY, pointer=f"/{name}", code=code, detail=detail)
