"""JSON Schemas of the models: their types, their limits and what their comments say."""

from __future__ import annotations

import datetime as dt
import math
import types
import uuid
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs

from firmtrail_contract import AsOf, Bytes, Count, DayOrMoment, DayStart, Labels, Range, Text, Texts
from tools.openapi.prose import field_comments, paragraphs, sentence

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    uuid.UUID: {"type": "string", "format": "uuid"},
    dt.datetime: {"type": "string", "format": "date-time"},
    DayOrMoment: {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]},
    DayStart: {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]},
    AsOf: {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]},
    dict[str, str]: {"type": "object", "additionalProperties": {"type": "string"}},
    dict[str, str | None]: {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
}
_OPTIONAL: type = type(attrs.validators.optional(Range(0, 0)))


@attrs.frozen(kw_only=True)
class Field:
    """A field of a model, as requests may give it or as answers hold it."""

    name: str
    schema: Schema
    is_required: bool


class Schemas:
    """The models that were asked for so far, each under its name in `components`."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def in_request(self, kind: Any) -> Schema:
        """For what clients send: what has a default may be left out, and unknown fields are refused."""
        return self._schema(kind, strict=True)

    def in_answer(self, kind: Any) -> Schema:
        """For what the server sends: every field is there, and a newer server may send more."""
        return self._schema(kind, strict=False)

    def in_form(self, model: Any) -> Schema:
        """For a form: as in a query nothing can be null, and unknown parameters are ignored."""
        return self._reference(model, _object(model, self.parameters(model)))

    def parameters(self, model: Any) -> list[Field]:
        """List the fields of a query model; in a query nothing can be null, only left out."""
        return [attrs.evolve(field, schema=_not_null(field.schema)) for field in self._fields(model, strict=True)]

    def _schema(self, kind: Any, *, strict: bool) -> Schema:
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin = get_origin(kind)
        if origin is list:
            return {"type": "array", "items": self._schema(*get_args(kind), strict=strict)}
        if origin in (Union, types.UnionType):
            return self._nullable(kind, strict=strict)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return self._reference(kind, _enum(kind))
        if attrs.has(model_class(kind)):
            return self._reference(kind, self._model(kind, strict=strict))
        raise TypeError(
            f"{kind!r} has no JSON Schema; give the field a type of those in schemas.py, or teach it this one"
        )

    def _nullable(self, kind: Any, *, strict: bool) -> Schema:
        members = [member for member in get_args(kind) if member is not types.NoneType]
        if len(members) != 1:
            raise TypeError(f"{kind!r} has no JSON Schema: a union may only add None to one type")
        schema = self._schema(members[0], strict=strict)
        if "type" in schema:
            return {**schema, "type": [schema["type"], "null"]}
        return {"anyOf": [schema, {"type": "null"}]}

    def _reference(self, kind: Any, schema: Schema) -> Schema:
        name = "".join(part.__name__ for part in (*get_args(kind), model_class(kind)))
        if self.components.setdefault(name, schema) != schema:
            raise TypeError(f"{name} would have two schemas: two models of one name, or one in a request and an answer")
        return {"$ref": f"#/components/schemas/{name}"}

    def _model(self, kind: Any, *, strict: bool) -> Schema:
        schema = _object(kind, self._fields(kind, strict=strict))
        return schema | {"additionalProperties": False} if strict else schema

    def _fields(self, kind: Any, *, strict: bool) -> list[Field]:
        model = model_class(kind)
        types_given = dict(zip(getattr(model, "__parameters__", ()), get_args(kind), strict=True))
        comments = field_comments(model)
        return [
            Field(
                name=attribute.name,
                schema=_limited(self._schema(_substituted(attribute.type, types_given), strict=strict), attribute)
                | (_default(attribute) if strict else {})
                | _description(comments.get(attribute.name), attribute.validator),
                is_required=attribute.default is attrs.NOTHING
                or not (strict or "left_out_if_null" in attribute.metadata),
            )
            for attribute in attrs.fields(attrs.resolve_types(model))
        ]


def model_class(kind: Any) -> Any:
    """Of `Page[Device]` take `Page`."""
    return get_origin(kind) or kind


def _object(kind: Any, fields: list[Field]) -> Schema:
    return {
        "type": "object",
        "description": "\n\n".join(paragraphs(model_class(kind).__doc__)),
        "properties": {field.name: field.schema for field in fields},
        "required": [field.name for field in fields if field.is_required],
    }


def _enum(kind: type[Enum]) -> Schema:
    return {"type": "string", "description": sentence(kind.__doc__), "enum": [member.value for member in kind]}


def _substituted(kind: Any, types_given: dict[Any, Any]) -> Any:
    """Put what `Page[Device]` gives in the place of the T in `Page`'s fields."""
    if isinstance(kind, TypeVar):
        return types_given[kind]
    parameters = getattr(kind, "__parameters__", ())
    return kind[tuple(types_given[parameter] for parameter in parameters)] if parameters else kind


def _limited(schema: Schema, attribute: attrs.Attribute[Any]) -> Schema:
    """Add the limits that the field's validator sets, also to what is inside of it."""
    limited = schema | _limits(attribute.validator)
    for inside in {"additionalProperties", "items"} & schema.keys():
        limited[inside] = schema[inside] | limited[inside]
    return limited


def _limits(validator: Any) -> Schema:
    match _unwrapped(validator):
        case None:
            return {}
        case Text(min_length=least, max_length=most) as text:
            return {"minLength": least, "maxLength": most, "pattern": _portable(text.pattern)}
        case Count(minimum=least, maximum=most) as count:
            items = {"uniqueItems": True, "items": _limits(count.text)} if isinstance(count, Texts) else {}
            return {"minItems": least, "maxItems": most, **items}
        case Bytes(min_length=least, max_length=most):  # a schema counts characters; one may have four bytes
            return {"minLength": math.ceil(least / 4), "maxLength": most, "pattern": _portable(Text(0, most).pattern)}
        case Range(minimum=least, maximum=most):
            return {"minimum": least, "maximum": most}
        case Labels(key=key, value=value, max_count=most):
            return {"maxProperties": most, "propertyNames": _limits(key), "additionalProperties": _limits(value)}
        case unknown:
            raise TypeError(
                f"{unknown!r} has no JSON Schema; limit the field by Text, Range or Count, or teach schemas.py it"
            )


def _unwrapped(validator: Any) -> Any:
    return validator.validator if isinstance(validator, _OPTIONAL) else validator


def _portable(pattern: str) -> str:
    """Leave out surrogates: no text in UTF-8 holds one, and not every regular expression engine can name them."""
    return pattern.replace(r"\ud800-\udfff", "")


def _default(attribute: attrs.Attribute[Any]) -> Schema:
    return {"default": attribute.default} if isinstance(attribute.default, (str, int, float)) else {}


def _description(comment: str | None, validator: Any) -> Schema:
    limit = _unwrapped(validator)
    rule = sentence(f"must {limit.rule}") if isinstance(limit, Text | Bytes) else ""
    text = f"{sentence(comment)} {rule}".strip()
    return {"description": text} if text else {}


def _not_null(schema: Schema) -> Schema:
    match schema:
        case {"type": [kind, "null"]}:
            return {**schema, "type": kind}
        case {"anyOf": [only, {"type": "null"}], **rest}:
            return only | rest
        case _:
            return schema
