"""Reading a request strictly: every field that is wrong, wherever it stands, at once, unless they are too many."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

import attrs
import orjson
from aiohttp import hdrs
from cattrs import BaseValidationError
from multidict import MultiMapping

from firmtrail_contract import FieldError, FieldLocation, Violation, ViolationCode, field_errors, strict_converter
from firmtrail_contract.problems import MAX_ERRORS
from firmtrail_contract.spelling import typed
from firmtrail_server.errors import InvalidRequest, MalformedRequest, UnsupportedMediaType
from firmtrail_server.http.request import Request
from firmtrail_server.http.request_body import read_body
from firmtrail_server.http.rows import Rows

#: reads one argument from a request and its body, or raises InvalidRequest
Reader = Callable[[Request, Any], Any]

MAX_BODY_BYTES = 64 * 1024
#: for a body to arrive whole once its head has
BODY_SECONDS = 30
#: stands in a path for the project of the API key that asks
CURRENT_PROJECT = "current"

_JSON = "application/json"
_converter = strict_converter()
_quick = strict_converter(all_errors=False)
for _one in (_converter, _quick):
    _one.register_structure_hook(Rows, lambda rows, _: rows)  # the handler reads them one by one


async def read_json(request: Request) -> Any:
    """Read a JSON body as plain values.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON, or is compressed in a way that is not understood.
        MalformedRequest: it is not JSON, or nested too deeply.
        BodyTooLarge: it is larger than the server takes.
    """
    if request.headers.get(hdrs.CONTENT_TYPE) != _JSON and request.utf8_type != _JSON:
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")
    try:
        return orjson.loads(await read_bytes(request))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}.") from None


def read_bytes(request: Request) -> Awaitable[bytes]:
    """Read a whole body, decompressed.

    Raises:
        BodyDamaged, ContentCodingUnknown, RequestTooSlow, BodyTooLarge: it cannot be.
    """
    return read_body(request, max_bytes=MAX_BODY_BYTES, seconds=BODY_SECONDS)


@attrs.frozen
class Named:
    """What a path names."""

    #: as far as they are right; without the project where it is the current one
    ids: dict[str, uuid.UUID]
    #: what is wrong with the others
    errors: list[FieldError]

    def check(self) -> None:
        """Raise `InvalidRequest` with everything that is wrong in the path."""
        _refuse(self.errors)


class Arguments:
    """Reads what the handler of one route is called with."""

    def __init__(self, hints: Mapping[str, Any], placeholders: Sequence[str]) -> None:
        self._placeholders = placeholders
        self._readers: dict[str, Reader] = {}
        self._quick_readers: dict[str, Reader] = {}
        if "query" in hints:
            self._readers["query"] = self._quick_readers["query"] = _query_reader(hints["query"])
        if "body" in hints:
            self._readers["body"] = _body_reader(hints["body"])
            self._quick_readers["body"] = _quick_body_reader(hints["body"])

    def named(self, segments: Sequence[str]) -> Named:
        """Read what the path names; `segments` stand in the place of its placeholders."""
        named = Named({}, [])
        for name, text in zip(self._placeholders, segments, strict=True):
            if (name, text) == ("project_id", CURRENT_PROJECT):
                continue
            try:
                named.ids[name] = _converter.structure(text, uuid.UUID)
            except Violation as error:
                named.errors.extend(_invalid(error, FieldLocation.PATH, f"/{name}").errors)
        return named

    def quick(self, request: Request, named: Named, body: Any) -> dict[str, Any] | None:
        """Read all arguments; None if anything is wrong: what it is costs more to find out, and `read` says it."""
        if named.errors:
            return None
        try:
            self._check_query(request)
            return {**named.ids, **{name: read(request, body) for name, read in self._quick_readers.items()}}
        except Exception:  # noqa: BLE001  whatever it is, `read` finds it again
            return None

    def read(self, request: Request, named: Named, body: Any) -> dict[str, Any]:
        """Read all arguments.

        Raises:
            InvalidRequest: with everything that is wrong.
        """
        try:
            named.check()
            self._check_query(request)
            return {**named.ids, **{name: read(request, body) for name, read in self._readers.items()}}
        except InvalidRequest:
            others = [partial(read, request, body) for read in self._readers.values()]
            errors = [error for check in (partial(self._check_query, request), *others) for error in _errors(check)]
            raise InvalidRequest([*named.errors, *errors]) from None

    def _check_query(self, request: Request) -> None:
        """Refuse a query that the handler does not take."""
        if request.query_string and "query" not in self._readers:
            _refuse([*islice(chain(_repeated(request.query), _unknown(request.query)), MAX_ERRORS)])


def _query_reader(model: Any) -> Reader:
    hook = _converter.get_structure_hook(model)

    def read(request: Request, _: Any) -> Any:
        _refuse([*islice(_repeated(request.query), MAX_ERRORS)])
        try:
            return hook(typed(request.query, model), model)
        except (BaseValidationError, Violation) as error:
            raise _invalid(error, FieldLocation.QUERY) from None

    return read


def _body_reader(model: Any) -> Reader:
    hook = _converter.get_structure_hook(model)

    def read(_: Request, body: Any) -> Any:
        try:
            return hook(body, model)
        except (BaseValidationError, Violation) as error:
            raise _invalid(error, FieldLocation.BODY) from None

    return read


def _quick_body_reader(model: Any) -> Reader:
    hook = _quick.get_structure_hook(model)
    return lambda _, body: hook(body, model)


def _invalid(error: Exception, location: FieldLocation, pointer: str = "") -> InvalidRequest:
    found = field_errors(error, location, most=MAX_ERRORS)
    return InvalidRequest([attrs.evolve(one, pointer=pointer + one.pointer) for one in found])


def _errors(check: Callable[[], Any]) -> list[FieldError]:
    try:
        check()
    except InvalidRequest as error:
        return error.errors
    return []


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise InvalidRequest(errors)


def _repeated(query: MultiMapping[str]) -> Iterator[FieldError]:
    times = Counter(name for name, _ in query.items())
    return (_error(name, "may be given once") for name, count in times.items() if count > 1)


def _unknown(query: MultiMapping[str]) -> Iterator[FieldError]:
    return (_error(name, "is not a parameter here", ViolationCode.UNKNOWN_FIELD) for name in dict.fromkeys(query))


def _error(name: str, detail: str, code: ViolationCode = ViolationCode.MALFORMED) -> FieldError:
    return FieldError(location=FieldLocation.QUERY, pointer=f"/{name}", code=code, detail=detail)
