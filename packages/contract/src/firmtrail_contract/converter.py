"""How models become plain JSON values and back: strictly on the server, leniently in clients."""

from __future__ import annotations

import datetime as dt
import re
import sys
import uuid
from enum import StrEnum
from functools import lru_cache, partial
from itertools import islice
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.errors import (
    BaseValidationError,
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from firmtrail_contract.labels import Labels
from firmtrail_contract.limits import Count, Violation, ViolationCode
from firmtrail_contract.moments import (
    AsOf,
    DayOrMoment,
    DayStart,
    format_moment,
    parse_as_of,
    parse_day_or_moment,
    parse_day_start,
    parse_moment,
)
from firmtrail_contract.observations import ComponentReading
from firmtrail_contract.problems import MAX_ERRORS
from firmtrail_contract.quick_reader import Hook, Shortcut, quick_reader

_HEX = "[0-9a-fA-F]"
#: written out: a repeated group, and letters of either case, take three times as long
_UUID = re.compile(f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}")
_JSON_NAMES: dict[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}


def strict_converter(*, all_errors: bool = True, max_errors: int = MAX_ERRORS) -> cattrs.Converter:
    """For a server reading requests: unknown fields and enum members are refused.

    It reads no further item of a list or an object after the first `max_errors` errors in it. One that stops at the
    first error raises whatever it is, and checks what is right once instead of twice.
    """
    converter = _converter(forbid_extra_keys=True, max_errors=max_errors if all_errors else 1)
    converter.register_structure_hook(StrEnum, _member)
    return converter


def lenient_converter(*, all_errors: bool = True) -> cattrs.Converter:
    """For a client reading a newer server's answers: unknown fields are ignored, unknown enum members kept as text.

    One that stops at the first error raises whatever it is, reads what is right in a third of the time, and may refuse
    what is right and rare, such as 5.0 for 5.
    """
    converter = _converter(forbid_extra_keys=False, max_errors=sys.maxsize if all_errors else 1)
    converter.register_structure_hook(StrEnum, _member_or_text)
    if not all_errors:
        converter.register_structure_hook(int, _number)
    return converter


def _converter(*, forbid_extra_keys: bool, max_errors: int) -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=forbid_extra_keys, detailed_validation=max_errors > 1)
    for kind in (str, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(int, _whole_number)
    converter.register_structure_hook(float, _exactly(float, int))
    converter.register_structure_hook(uuid.UUID, _uuid)
    converter.register_structure_hook(dt.datetime, _moment)
    converter.register_structure_hook(AsOf, _as_of)
    converter.register_structure_hook(DayStart, _day_start)
    converter.register_structure_hook(DayOrMoment, _day_or_moment)
    converter.register_unstructure_hook(uuid.UUID, str)
    converter.register_unstructure_hook(dt.datetime, format_moment)
    said = make_dict_unstructure_fn(ComponentReading, converter, gone=override(omit_if_default=True))
    converter.register_unstructure_hook(ComponentReading, said)  # older servers do not know the field
    converter.register_structure_hook_factory(_is_optional, partial(_optional_hook, converter))
    converter.register_structure_hook_factory(_is_list, partial(_list_hook, converter, max_errors))
    converter.register_structure_hook_factory(_is_dict, partial(_dict_hook, converter, max_errors))
    hook = partial(_model_hook, converter, max_errors) if max_errors > 1 else partial(_quick_model_hook, converter)
    converter.register_structure_hook_factory(_is_model, hook)
    return converter


def _exactly(kind: type, *also: type) -> Hook:
    """Accept the JSON type itself: never "1" for 1, 1 for true, or null for a string."""

    def structure(value: Any, _: Any) -> Any:
        if type(value) is kind:
            return value
        if type(value) not in also:
            raise Violation(ViolationCode.WRONG_TYPE, f"must be {_JSON_NAMES[kind]}")
        try:
            return kind(value)
        except OverflowError:
            raise Violation(ViolationCode.OUT_OF_RANGE, "must be a number of double precision") from None

    return structure


_text = _exactly(str)
_number = _exactly(int)
_array = _exactly(list)
_object = _exactly(dict)


def _whole_number(value: Any, _: Any) -> int:
    """Take 5.0 for 5, as JSON Schema does."""
    return _number(int(value) if type(value) is float and value.is_integer() else value, int)


def _uuid(value: Any, _: Any) -> uuid.UUID:
    return _parsed_uuid(_text(value, str))


@lru_cache(4_096)
def _parsed_uuid(text: str) -> uuid.UUID:
    """Read one that is often named again at once: every reading of a batch names its boot."""
    if not _UUID.fullmatch(text):  # UUID() also takes braces, URNs and bare hexadecimal
        raise Violation(ViolationCode.MALFORMED, "must be a UUID such as 1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b")
    return uuid.UUID(text)


def _moment(value: Any, _: Any) -> dt.datetime:
    return parse_moment(_text(value, str))


_SHORTCUTS: dict[Any, Shortcut] = {
    **{kind: Shortcut(f"type({{}}) is {kind.__name__}") for kind in (str, bool, int, float)},
    uuid.UUID: Shortcut("type({}) is str", "parsed_uuid({})", {"parsed_uuid": _parsed_uuid}),
}
_MOMENT = Shortcut("type({}) is str", "parse_moment({})", {"parse_moment": parse_moment})
#: as `format_moment` writes it, 27 characters: an answer has three an item
_WRITTEN_MOMENT = Shortcut("{}[10::16] == 'TZ'", "fromisoformat({})", {"fromisoformat": dt.datetime.fromisoformat})


def _as_of(value: Any, _: Any) -> AsOf:
    return parse_as_of(_text(value, str))


def _day_start(value: Any, _: Any) -> DayStart:
    return parse_day_start(_text(value, str))


def _day_or_moment(value: Any, _: Any) -> DayOrMoment:
    return parse_day_or_moment(_text(value, str))


@lru_cache
def _members(enum: type[StrEnum]) -> dict[str, StrEnum]:
    return {member.value: member for member in enum}


def _member(value: Any, enum: type[StrEnum]) -> StrEnum:
    member = _members(enum).get(_text(value, str))
    if member is None:
        raise Violation(ViolationCode.UNKNOWN_VALUE, f"must be one of {', '.join(enum)}")
    return member


def _member_or_text(value: Any, enum: type[StrEnum]) -> StrEnum | str:
    text = _text(value, str)
    try:
        return enum(text)
    except ValueError:
        return text


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in {Union, UnionType} and len(get_args(kind)) == 2 and NoneType in get_args(kind)  # noqa: PLR2004


def _optional_hook(converter: cattrs.Converter, kind: Any) -> Hook:
    """Find what reads the value once, and not at every value."""
    (present,) = (one for one in get_args(kind) if one is not NoneType)
    hook = converter.get_structure_hook(present)
    return lambda value, _: None if value is None else hook(value, present)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list


def _list_hook(converter: cattrs.Converter, max_errors: int, kind: Any) -> Hook:
    (element,) = get_args(kind)
    element_hook = converter.get_structure_hook(element)

    def structure(value: Any, _: Any) -> list[Any]:
        items: list[Any] = _array(value, list)
        return list(_structured(dict(enumerate(items)), kind, element_hook, max_errors).values())

    return structure


def _is_dict(kind: Any) -> bool:
    return get_origin(kind) is dict


def _dict_hook(converter: cattrs.Converter, max_errors: int, kind: Any) -> Hook:
    """Structure a JSON object whose names are data: the names stay as they are."""
    _, element = get_args(kind)
    element_hook = converter.get_structure_hook(element)

    def structure(value: Any, _: Any) -> dict[str, Any]:
        return _structured(_object(value, dict), kind, element_hook, max_errors)

    return structure


def _structured(items: dict[Any, Any], kind: Any, hook: Hook, max_errors: int) -> dict[Any, Any]:
    """Structure every element, so that the errors come at once, each with its index or name."""
    element = get_args(kind)[-1]
    structured: dict[Any, Any] = {}
    errors: list[Exception] = []
    found = 0
    for index, item in items.items():
        try:
            structured[index] = hook(item, element)
        except Exception as error:  # noqa: BLE001  whatever an element's hook raises belongs to that element
            error.add_note(IterableValidationNote("", index, element))
            errors.append(_forgetful(error))
            found += _count(error)
            if found >= max_errors:
                break
    if errors:
        raise IterableValidationError("", errors, kind)  # pyright: ignore[reportCallIssue]  its __new__ takes three
    return structured


def _count(error: Exception) -> int:
    if isinstance(error, BaseValidationError):
        return sum(map(_count, error.exceptions))
    return len(error.extra_fields) if isinstance(error, ForbiddenExtraKeysError) else 1


def _is_model(kind: Any) -> bool:
    return attrs.has(get_origin(kind) or kind)


def _model_hook(converter: cattrs.Converter, max_errors: int, model: Any) -> Hook:
    """Structure an attrs class field by field, each with its own limits if all errors shall come at once.

    Its own `__init__` would stop at the first that is not kept. Only how many items a list or an object may have is
    always checked here, for `__init__` comes after all of them were read.
    """
    fields = attrs.fields(attrs.resolve_types(get_origin(model) or model))
    names = frozenset(field.name for field in fields)
    limited: dict[str, Any] = {
        field.name: override(struct_hook=_limited_hook(converter, field)) for field in fields if field.validator
    }
    structure_fields = make_dict_structure_fn(model, converter, _cattrs_forbid_extra_keys=False, **limited)

    def structure(value: Any, _: Any) -> Any:
        given: dict[str, Any] = _object(value, dict)
        unknown = (name for name in given if name not in names) if converter.forbid_extra_keys else ()
        some = {*islice(unknown, max_errors)}  # a value may have hundreds of thousands of them
        errors: list[Exception] = [ForbiddenExtraKeysError("", model, some)] if some else []
        try:
            structured = structure_fields(given, model)
        except BaseValidationError as error:
            errors = [*map(_forgetful, error.exceptions), *errors]
        else:
            if not errors:
                return structured
        raise ClassValidationError("", errors, model)  # pyright: ignore[reportCallIssue]  its __new__ takes three

    return structure


def _quick_model_hook(converter: cattrs.Converter, model: Any) -> Hook:
    attrs.resolve_types(get_origin(model) or model)
    is_closed = converter.forbid_extra_keys
    shortcuts = _SHORTCUTS | {dt.datetime: _MOMENT if is_closed else _WRITTEN_MOMENT}
    return quick_reader(model, converter.get_structure_hook, shortcuts, is_closed=is_closed)


def _forgetful(error: Exception) -> Exception:
    """Let an error that is kept forget where it was raised.

    Its traceback holds the frame that holds the error: until the next garbage collection both would keep the value that
    was refused, however large it is.
    """
    error.__context__ = None
    return error.with_traceback(None)


def _limited_hook(converter: cattrs.Converter, field: attrs.Attribute[Any]) -> Hook:
    hook, check = converter.get_structure_hook(field.type), field.validator
    convert: Any = field.converter  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    assert check is not None

    def structure(value: Any, kind: Any) -> Any:
        structured = hook(value, kind) if convert is None else convert(hook(value, kind))
        check(None, field, structured)
        return structured

    def structure_items(value: Any, kind: Any) -> Any:
        items.check_count(_array(value, list))
        return structure(value, kind)

    def structure_labels(value: Any, kind: Any) -> Any:
        labels.check_count(_object(value, dict))
        return structure(value, kind)

    labels = check if isinstance(check, Labels) else Labels()
    items = check if isinstance(check, Count) else Count(0, 0)
    if isinstance(check, Labels):
        return structure_labels
    return structure_items if isinstance(check, Count) else structure
