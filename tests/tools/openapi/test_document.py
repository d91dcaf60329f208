"""The document says what the routes say: all of it, and nothing else."""

from __future__ import annotations

import json
import re
import uuid
from typing import Annotated, Any

import attrs
import pytest
from openapi_spec_validator import validate

from firmtrail_contract import Device, Page, PageQuery
from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.context import Context, PublicContext
from firmtrail_server.http.results import Created, Document
from firmtrail_server.http.route import Route
from firmtrail_server.routes import ROUTES
from tools.openapi.document import as_text, document

DOCUMENT = document(ROUTES)
OPERATIONS = [
    pytest.param(one, id=one["operationId"]) for methods in DOCUMENT["paths"].values() for one in methods.values()
]


@attrs.frozen(kw_only=True)
class NewThing:
    """What to make."""

    name: str


async def make_thing(ctx: Context, device_id: uuid.UUID, body: NewThing) -> Created[Device] | Device:
    """Twice is once.

    Answers 429 never, for nobody
    counts.
    """
    raise NotImplementedError


async def list_things(ctx: Context, query: PageQuery) -> Page[Device]:
    raise NotImplementedError


async def picture(_ctx: PublicContext) -> Annotated[Document, "text/html; charset=utf-8"]:
    raise NotImplementedError


async def bare_document(_ctx: PublicContext) -> Document:
    raise NotImplementedError


async def bare_text(_ctx: PublicContext) -> str:
    raise NotImplementedError


THINGS = "/v1/devices/{device_id}/things"
SAMPLE = document(
    [
        Route("POST", THINGS, make_thing, Scope.FIRMWARE_REPORT, summary="Make a thing", statuses=(200, 201)),
        Route("GET", "/v1/things", list_things, Scope.FIRMWARE_READ, summary="List all things"),
        Route("GET", "/picture", picture, Scope.PUBLIC, summary="Show a picture", statuses=(200, 404)),
    ]
)
MAKE, LIST, PICTURE = SAMPLE["paths"][THINGS]["post"], SAMPLE["paths"]["/v1/things"]["get"], SAMPLE["paths"]["/picture"]


def schema_of(answer: dict[str, Any]) -> Any:
    ((content_type, content),) = answer["content"].items()
    return content_type, content["schema"].get("$ref", content["schema"].get("type"))


def test_it_is_a_valid_openapi_document() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_description_names_only_statuses_that_are_declared(operation: dict[str, Any]) -> None:
    named = re.findall(r"\b[2-5]\d\d\b", operation.get("description", ""))

    assert {*named} <= operation["responses"].keys()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_description_does_not_repeat_its_summary(operation: dict[str, Any]) -> None:
    assert not operation.get("description", "").startswith(operation["summary"])


def test_statuses_that_a_handler_does_not_answer_are_an_error() -> None:
    wrong = Route("GET", "/v1/things", list_things, Scope.FIRMWARE_READ, summary="List all things", statuses=(201,))

    with pytest.raises(TypeError, match=r"declares \['201'\], but list_things answers \['200'\]"):
        document([wrong])


def test_the_same_routes_always_give_the_same_text() -> None:
    assert as_text(ROUTES) == as_text(list(ROUTES))
    assert json.loads(as_text(ROUTES)) == DOCUMENT


def test_every_operation_has_an_id_of_its_own_and_a_summary() -> None:
    operations = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]

    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["summary"] for one in operations)


def test_the_route_gives_the_summary_and_the_docstring_the_description() -> None:
    assert MAKE["summary"] == "Make a thing"
    assert MAKE["description"].split("\n\n")[:2] == ["Twice is once.", "Answers 429 never, for nobody counts."]


def test_a_scope_is_named_with_those_who_have_it() -> None:
    assert MAKE["security"] == [{"api_key": ["firmware:report"]}, {"access_token": ["firmware:report"]}]
    assert MAKE["description"].endswith("Needs the scope `firmware:report`: the device's own key.")
    assert LIST["description"] == (
        "Needs the scope `firmware:read`: a member or an API key of the project with the role `viewer`, `editor` or "
        "`admin`."
    )


def test_a_public_route_asks_for_no_key() -> None:
    assert PICTURE["get"]["security"] == []
    assert "description" not in PICTURE["get"]


def test_metrics_ask_for_the_operators_token() -> None:
    (asked,) = DOCUMENT["paths"]["/metrics"]["get"]["security"]

    assert asked == {"metrics_token": []}
    assert DOCUMENT["components"]["securitySchemes"]["metrics_token"]["scheme"] == "bearer"


def test_a_path_parameter_has_the_type_of_the_handlers_argument() -> None:
    (parameter,) = MAKE["parameters"]

    assert (parameter["name"], parameter["in"], parameter["required"]) == ("device_id", "path", True)
    assert parameter["schema"] == {"type": "string", "format": "uuid"}


def test_a_query_models_fields_are_optional_parameters_that_cannot_be_null() -> None:
    size, token = LIST["parameters"]

    assert (size["name"], size["in"], size["required"]) == ("page_size", "query", False)
    assert size["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
    assert token["schema"]["type"] == "string"


def test_a_body_is_required_and_json() -> None:
    assert MAKE["requestBody"]["required"] is True
    assert schema_of(MAKE["requestBody"]) == ("application/json", "#/components/schemas/NewThing")
    assert "requestBody" not in LIST


def test_a_model_is_a_200_and_a_created_one_a_201() -> None:
    assert schema_of(MAKE["responses"]["200"]) == ("application/json", "#/components/schemas/Device")
    assert schema_of(MAKE["responses"]["201"]) == ("application/json", "#/components/schemas/Device")
    assert schema_of(LIST["responses"]["200"]) == ("application/json", "#/components/schemas/DevicePage")


def test_a_document_is_a_200_of_its_content_type() -> None:
    assert schema_of(PICTURE["get"]["responses"]["200"]) == ("text/html", "string")


@pytest.mark.parametrize(
    ("operation", "refusals"),
    [
        (MAKE, {"400", "401", "403", "404", "408", "413", "415", "422", "429", "500", "503"}),
        (LIST, {"401", "403", "422", "429", "500", "503"}),
        (PICTURE["get"], {"404", "422", "500", "503"}),
    ],
)
def test_an_operation_names_the_refusals_that_can_happen(operation: dict[str, Any], refusals: set[str]) -> None:
    assert {status for status in operation["responses"] if status > "3"} == refusals


def test_every_refusal_is_a_problem_document_with_its_own_status() -> None:
    for path, methods in DOCUMENT["paths"].items():
        if path.startswith("/v1/oauth/"):
            continue
        for one in methods.values():
            for status, answer in one["responses"].items():
                if status > "3":
                    refusal = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                    assert schema_of(refusal) == ("application/problem+json", "#/components/schemas/Problem")
                    assert refusal["content"]["application/problem+json"]["example"]["status"] == int(status)


def test_a_refusal_of_the_token_endpoint_has_the_shape_of_rfc_6749() -> None:
    answers = DOCUMENT["paths"]["/v1/oauth/token"]["post"]["responses"]
    refusals = [answer["$ref"].rpartition("/")[2] for status, answer in answers.items() if status > "3"]

    assert {*answers} == {"200", "400", "401", "408", "413", "500", "503"}
    assert {schema_of(DOCUMENT["components"]["responses"][name]) for name in refusals} == {
        ("application/json", "#/components/schemas/OAuthRefusal")
    }


def test_a_form_is_one_whose_fields_cannot_be_null_and_others_are_ignored() -> None:
    body = DOCUMENT["paths"]["/v1/oauth/token"]["post"]["requestBody"]
    form = DOCUMENT["components"]["schemas"]["TokenRequest"]

    assert schema_of(body) == ("application/x-www-form-urlencoded", "#/components/schemas/TokenRequest")
    assert {field["type"] for field in form["properties"].values()} == {"string"}
    assert form["required"] == ["grant_type"]
    assert "additionalProperties" not in form


def test_the_scopes_of_a_token_are_those_that_routes_ask_for() -> None:
    flow = DOCUMENT["components"]["securitySchemes"]["access_token"]["flows"]["clientCredentials"]

    assert {*flow["scopes"]} == {route.scope for route in ROUTES if not route.is_public}
    assert flow["tokenUrl"] in DOCUMENT["paths"]


def test_every_answer_carries_the_request_id() -> None:
    operations = [one for methods in SAMPLE["paths"].values() for one in methods.values()]
    good = [answer for one in operations for answer in one["responses"].values() if "$ref" not in answer]
    refusals = SAMPLE["components"]["responses"].values()

    assert all("X-Request-Id" in answer["headers"] for answer in [*good, *refusals])


def test_refusals_name_the_headers_that_tell_what_to_do() -> None:
    assert "WWW-Authenticate" in SAMPLE["components"]["responses"]["unauthenticated"]["headers"]
    assert "Retry-After" in SAMPLE["components"]["responses"]["unavailable"]["headers"]
    assert "Accept-Encoding" in SAMPLE["components"]["responses"]["unsupported_media_type"]["headers"]


@pytest.mark.parametrize("handler", [bare_document, bare_text])
def test_an_answer_without_a_schema_is_an_error_that_names_it(handler: Any) -> None:
    with pytest.raises(TypeError, match=r"is no answer: return a model"):
        document([Route("GET", "/x", handler, Scope.PUBLIC, summary="Test")])
