"""Schemas say of a value exactly what the models say of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Generic, TypeVar

import attrs
import jsonschema_rs
import pytest

from firmtrail_contract import (
    Bytes,
    Count,
    Labels,
    Page,
    PageQuery,
    Range,
    SignUp,
    Text,
    Violation,
    is_filler_identity,
    strict_converter,
)
from firmtrail_server.routes import ROUTES
from tools.openapi.schemas import Schemas

T = TypeVar("T")
TEXT = {"type": "string"}


class Colour(StrEnum):
    """What it looks like."""

    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Part:
    """A part.

    It has
    a long story.
    """

    weight: float


@attrs.frozen(kw_only=True)
class Thing(Generic[T]):
    """A thing."""

    #: what people call it,
    #: in their own words
    name: str = attrs.field(validator=Text(2, 5, "^[a-z]*$", "hold a-z alone"))
    size: int = attrs.field(default=3, validator=Range(1, 9))
    at: dt.datetime | None = None
    part: Part | None = None
    parts: list[Part] = attrs.field(factory=list[Part], validator=Count(0, 2))
    colour: Colour = Colour.RED
    on: bool = True
    content: T


@attrs.frozen(kw_only=True)
class Labelled:
    labels: dict[str, str | None] = attrs.field(validator=Labels())


@attrs.frozen(kw_only=True)
class Special(Part):
    #: of the child alone
    shine: int


def strict(kind: Any) -> tuple[Any, dict[str, Any]]:
    schemas = Schemas()
    return schemas.in_request(kind), schemas.components


def thing() -> dict[str, Any]:
    _, components = strict(Thing[uuid.UUID])
    return components["UUIDThing"]


def limited_fields() -> Iterator[tuple[type, str]]:
    models = [route.hints[part] for route in ROUTES for part in ("query", "body") if part in route.hints]
    for model in dict.fromkeys(models):
        yield from ((model, field.name) for field in attrs.fields(model) if field.validator and not counts_bytes(field))


def counts_bytes(field: attrs.Attribute[Any]) -> bool:
    """Whether the limit is one that JSON Schema cannot say, since it counts characters."""
    return isinstance(getattr(field.validator, "validator", field.validator), Bytes)


def test_a_generic_model_is_named_by_what_it_holds() -> None:
    reference, components = strict(Thing[uuid.UUID])

    assert reference == {"$ref": "#/components/schemas/UUIDThing"}
    assert components["UUIDThing"]["properties"]["content"] == {"type": "string", "format": "uuid"}


def test_a_page_holds_its_items_by_reference() -> None:
    _, components = strict(Page[Part])

    assert components["PartPage"]["properties"]["items"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Part"},
    }


def test_text_has_its_length_its_pattern_and_its_rule() -> None:
    assert thing()["properties"]["name"] == {
        "type": "string",
        "minLength": 2,
        "maxLength": 5,
        "pattern": "^[a-z]*$",
        "description": "What people call it, in their own words. Must hold a-z alone.",
    }


def test_a_number_has_its_range_and_its_default() -> None:
    assert thing()["properties"]["size"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}


def test_a_list_has_its_least_and_its_most_items() -> None:
    assert thing()["properties"]["parts"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Part"},
        "minItems": 0,
        "maxItems": 2,
    }


def test_what_may_be_none_may_be_null() -> None:
    properties = thing()["properties"]

    assert properties["at"] == {"type": ["string", "null"], "format": "date-time"}
    assert properties["part"] == {"anyOf": [{"$ref": "#/components/schemas/Part"}, {"type": "null"}]}


def test_an_enum_lists_its_values() -> None:
    _, components = strict(Colour)

    assert components["Colour"] == {
        "type": "string",
        "description": "What it looks like.",
        "enum": ["red", "blue"],
    }


def test_a_docstring_is_the_description_without_its_line_breaks() -> None:
    _, components = strict(Part)

    assert components["Part"]["description"] == "A part.\n\nIt has a long story."


def test_an_inherited_field_is_there_and_comments_stay_with_their_fields() -> None:
    _, components = strict(Special)

    assert components["Special"]["properties"] == {
        "weight": {"type": "number"},
        "shine": {"type": "integer", "description": "Of the child alone."},
    }


def test_a_request_may_leave_out_what_has_a_default_and_holds_nothing_else() -> None:
    assert thing()["required"] == ["name", "content"]
    assert thing()["additionalProperties"] is False


def test_an_answer_holds_every_field_and_may_hold_more() -> None:
    schemas = Schemas()
    schemas.in_answer(Thing[uuid.UUID])
    answer = schemas.components["UUIDThing"]

    assert answer["required"] == [field.name for field in attrs.fields(Thing)]
    assert "additionalProperties" not in answer
    assert "default" not in answer["properties"]["size"]


@pytest.mark.parametrize("kind", [bytes, dict[str, int], int | str, str | int | None, object])
def test_an_unknown_type_is_an_error_that_names_it(kind: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON Schema"):
        strict(kind)


def test_the_schema_of_a_number_of_bytes_allows_whatever_the_model_does() -> None:
    (schema,) = [field.schema for field in Schemas().parameters(SignUp) if field.name == "password"]

    validator = jsonschema_rs.validator_for(schema)

    assert all(validator.is_valid(password) for password in ("x" * 8, "x" * 72, "\U0001f600" * 2, "\U0001f600" * 18))
    assert not any(validator.is_valid(password) for password in ("x", "x" * 73, "x" * 8 + "\n"))
    assert "8 to 72 bytes" in schema["description"]


def test_labels_have_a_limit_each_and_in_all() -> None:
    (schema,) = [field.schema for field in Schemas().parameters(Labelled)]

    assert schema["maxProperties"] == 64
    assert schema["propertyNames"] == {"minLength": 1, "maxLength": 64, "pattern": "^[a-z0-9][a-z0-9._-]*$"}
    assert schema["additionalProperties"]["type"] == ["string", "null"]
    assert schema["additionalProperties"]["maxLength"] == 128


def test_an_unknown_validator_is_an_error() -> None:
    @attrs.frozen
    class Odd:
        value: int = attrs.field(validator=attrs.validators.gt(3))

    with pytest.raises(TypeError, match="has no JSON Schema"):
        strict(Odd)


def test_two_models_of_one_name_are_an_error() -> None:
    schemas = Schemas()
    schemas.in_answer(Part)

    with pytest.raises(TypeError, match="Part would have two schemas"):
        schemas.in_request(Part)


@pytest.mark.parametrize(("model", "name"), [*limited_fields()])
def test_the_limits_in_a_schema_are_those_the_model_enforces(model: type, name: str) -> None:
    schema = next(field.schema for field in Schemas().parameters(model) if field.name == name)
    if "uniqueItems" not in schema:
        schema.pop("items", None)  # their own limits are theirs
    validator = jsonschema_rs.validator_for(schema)
    field = attrs.fields_dict(model)[name]
    assert field.validator is not None

    for value in samples(schema):
        if name == "hardware_fingerprint" and isinstance(value, str) and is_filler_identity(value):
            continue  # which texts are a maker's filler no schema says
        try:
            field.validator(None, field, value)
            is_allowed = True
        except Violation:
            is_allowed = False
        assert validator.is_valid(value) == is_allowed, ascii(value)


def samples(schema: dict[str, Any]) -> list[Any]:
    """Values at and just beyond every limit, and every kind of character."""
    if schema.get("uniqueItems"):
        different = [[str(number) for number in range(length)] for length in range(schema["maxItems"] + 2)]
        return [*different, ["1", "1"], *([text] for text in samples(TEXT | schema["items"]))]
    if schema["type"] == "array":
        return [[0] * length for length in range(schema["maxItems"] + 2)]
    if schema["type"] == "object":
        sizes = [0, schema["maxProperties"], schema["maxProperties"] + 1]
        keys, values = samples(TEXT | schema["propertyNames"]), samples(schema["additionalProperties"] | TEXT)
        return [
            *({f"key-{number}": "x" for number in range(size)} for size in sizes),
            *({key: "x"} for key in keys),
            *({"key": value} for value in values),
        ]
    if schema["type"] == "integer":
        return [schema["minimum"] - 1, schema["minimum"], schema["maximum"], schema["maximum"] + 1]
    lengths = [schema["minLength"] - 1, schema["minLength"], schema["maxLength"], schema["maxLength"] + 1]
    characters = [chr(code) for code in [*range(0x300), *range(0x600, 0x700), *range(0x2000, 0x2080)]]
    characters += [chr(code) for code in [*range(0xFE00, 0x10000), 0x1F600]]
    return ["a" * length for length in lengths] + [f"a{character}" for character in ["", *characters]] + ["a\n"]


def test_a_page_of_1001_is_refused_by_schema_and_model() -> None:
    (size,) = [field.schema for field in Schemas().parameters(PageQuery) if field.name == "page_size"]

    assert not jsonschema_rs.validator_for(size).is_valid(1001)
    with pytest.raises(ExceptionGroup):
        strict_converter().structure({"page_size": 1001}, PageQuery)
