"""Reading a request strictly: every field that is wrong, wherever it stands, at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import orjson
from aiohttp import hdrs, web
from cattrs import BaseValidationError
from multidict import MultiMapping

from firmtrail_contract import FieldError, FieldLocation, Violation, ViolationCode, field_errors, strict_converter
from firmtrail_server.errors import InvalidRequest, MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.arriving import arriving_within
from firmtrail_server.http.rows import Rows

#: reads one argument from a request and its body, or raises InvalidRequest
Reader = Callable[[web.BaseRequest, Any], Any]

MAX_BODY_BYTES = 64 * 1024
#: for a body to arrive whole once its head has
BODY_SECONDS = 30

_JSON = "application/json"
_NOTHING = object()
_converter = strict_converter()
_quick = strict_converter(all_errors=False)
for _one in (_converter, _quick):
    _one.register_structure_hook(Rows, lambda rows, _: rows)  # the handler reads them one by one
_TRUE_OR_FALSE = {"true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


async def read_json(request: web.BaseRequest) -> Any:
    """Read a JSON body as plain values.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON.
        MalformedRequest: it is not JSON, or nested too deeply.
        web.HTTPRequestEntityTooLarge: it is larger than the server takes.
    """
    if request.headers.get(hdrs.CONTENT_TYPE) != _JSON and not _is_json(request):
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")
    try:
        return orjson.loads(await read_bytes(request))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}.") from None


def _is_json(request: web.BaseRequest) -> bool:
    return request.content_type == _JSON and (request.charset or "utf-8").lower() == "utf-8"


async def read_bytes(request: web.BaseRequest) -> bytes:
    """Read a whole body.

    Raises:
        MalformedRequest: it breaks off, or is not packed as it says.
        RequestTooSlow: it does not arrive in time.
        web.HTTPRequestEntityTooLarge: it is larger than the server takes.
    """
    content = request.content
    try:
        if content.is_eof():  # nearly every body comes with its head
            body = content.read_nowait()
            if len(body) > MAX_BODY_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, len(body))
            return body
        async with arriving_within(BODY_SECONDS, request):
            return await request.read()
    except web.RequestPayloadError:
        raise MalformedRequest("The body breaks off, or is not encoded as its headers say.") from None


class Arguments:
    """Reads what the handler of one route is called with."""

    def __init__(self, hints: Mapping[str, Any], placeholders: Sequence[str]) -> None:
        self._path = [(name, _path_reader(name, hints[name])) for name in placeholders]
        # A query that the handler does not take is read as well, to be refused.
        self._others = [("query", _query_reader(hints["query"])) if "query" in hints else ("", _refuse_query)]
        if "body" in hints:
            self._others.append(("body", _body_reader(hints["body"])))

    def found_in_path(self, segments: Sequence[str]) -> dict[str, Any]:
        """Read what the path names, as far as it is right."""
        try:
            return self.checked_path(segments)
        except InvalidRequest:
            found = zip(self._path, segments, strict=True)
            return {name: read(text) for (name, read), text in found if not _errors(read, text)}

    def checked_path(self, segments: Sequence[str]) -> dict[str, Any]:
        """Read what the path names.

        Raises:
            InvalidRequest: with everything that is wrong in the path.
        """
        try:
            return {name: read(text) for (name, read), text in zip(self._path, segments, strict=True)}
        except InvalidRequest:
            raise InvalidRequest(self._path_errors(segments)) from None

    def read(
        self, request: web.BaseRequest, segments: Sequence[str], path: Mapping[str, Any], body: Any
    ) -> dict[str, Any]:
        """Read all arguments; `path` is what was found in the segments of it.

        Raises:
            InvalidRequest: with everything that is wrong.
        """
        try:
            if len(path) < len(self._path):
                self.checked_path(segments)
            others = {name: value for name, read in self._others if (value := read(request, body)) is not _NOTHING}
        except InvalidRequest:
            errors = [error for _, read in self._others for error in _errors(read, request, body)]
            raise InvalidRequest([*self._path_errors(segments), *errors]) from None
        return {**path, **others}

    def _path_errors(self, segments: Sequence[str]) -> list[FieldError]:
        return [error for (_, read), text in zip(self._path, segments, strict=True) for error in _errors(read, text)]


def _path_reader(name: str, kind: Any) -> Callable[[str], Any]:
    hook = _converter.get_structure_hook(kind)

    def read(text: str) -> Any:
        try:
            return hook(text, kind)
        except (BaseValidationError, Violation) as error:
            raise _invalid(error, FieldLocation.PATH, f"/{name}") from None

    return read


def _query_reader(model: Any) -> Reader:
    hook = _converter.get_structure_hook(model)

    def read(request: web.BaseRequest, _: Any) -> Any:
        _refuse(_repeated(request.query))
        try:
            return hook(_typed(request.query, model), model)
        except (BaseValidationError, Violation) as error:
            raise _invalid(error, FieldLocation.QUERY) from None

    return read


def _refuse_query(request: web.BaseRequest, _: Any) -> Any:
    if request.rel_url.raw_query_string:
        unknown = [_error(name, "is not a parameter here", ViolationCode.UNKNOWN_FIELD) for name in {*request.query}]
        _refuse(_repeated(request.query) + unknown)
    return _NOTHING


def _body_reader(model: Any) -> Reader:
    hook, quick_hook = _converter.get_structure_hook(model), _quick.get_structure_hook(model)

    def read(_: web.BaseRequest, body: Any) -> Any:
        try:
            return quick_hook(body, model)
        except Exception:  # noqa: BLE001, S110  it is read again, for all of its errors
            pass
        try:
            return hook(body, model)
        except (BaseValidationError, Violation) as error:
            raise _invalid(error, FieldLocation.BODY) from None

    return read


def _invalid(error: Exception, location: FieldLocation, pointer: str = "") -> InvalidRequest:
    return InvalidRequest([attrs.evolve(e, pointer=pointer + e.pointer) for e in field_errors(error, location)])


def _errors(read: Callable[..., Any], *arguments: Any) -> list[FieldError]:
    try:
        read(*arguments)
    except InvalidRequest as error:
        return error.errors
    return []


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise InvalidRequest(errors)


def _repeated(query: MultiMapping[str]) -> list[FieldError]:
    return [_error(name, "may be given once") for name in {*query} if len(query.getall(name)) > 1]


def _typed(query: MultiMapping[str], model: Any) -> dict[str, Any]:
    """A query string knows only text: give the fields that are numbers, or true or false, what they spell."""
    kinds = {field.name: field.type for field in attrs.fields(attrs.resolve_types(model))}
    return {name: _spelt(text, kinds.get(name)) for name, text in query.items()}


def _spelt(text: str, kind: Any) -> Any:
    if kind is int and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if kind in (bool, bool | None):
        return _TRUE_OR_FALSE.get(text, text)
    return text


def _error(name: str, detail: str, code: ViolationCode = ViolationCode.MALFORMED) -> FieldError:
    return FieldError(location=FieldLocation.QUERY, pointer=f"/{name}", code=code, detail=detail)
