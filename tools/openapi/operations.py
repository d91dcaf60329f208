"""One operation per route: who may call it, what goes in and what comes out."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs

from firmtrail_contract import Role
from firmtrail_server.auth.permissions import (
    DEVICE_SCOPES,
    ENROLLMENT_SCOPES,
    KEY_SCOPES,
    MEMBER_SCOPES,
    ROLE_SCOPES,
    USER_SCOPES,
    Scope,
)
from firmtrail_server.exports import Export
from firmtrail_server.http.event_stream import EVENT_STREAM
from firmtrail_server.http.forms import FORM
from firmtrail_server.http.requests import CURRENT_PROJECT
from firmtrail_server.http.results import Accepted, Created, Document
from firmtrail_server.http.route import Route
from firmtrail_server.http.rows import Rows
from tools.openapi.prose import paragraphs
from tools.openapi.refusals import REQUEST_ID, refusals_of
from tools.openapi.schemas import Schema, Schemas, model_class

API_KEY, ACCESS_TOKEN, METRICS_TOKEN = "api_key", "access_token", "metrics_token"  # the security schemes
_OTHER_HOLDERS = [
    (DEVICE_SCOPES, "the device's own key"),
    (ENROLLMENT_SCOPES, "an enrollment key of the project"),
    (MEMBER_SCOPES, "any member of the project"),
    (USER_SCOPES, "a user"),
    (KEY_SCOPES, "any API key, of a project, of a device or for enrollment"),
]


def operation(route: Route, schemas: Schemas) -> Schema:
    """Describe a route; the models that it takes and returns are added to `schemas`."""
    made: Schema = {
        "operationId": route.handler.__name__,
        "tags": [tag(route)["name"]],
        "summary": route.summary,
        "description": "\n\n".join([*paragraphs(route.handler.__doc__), *_who_may(route)]),
        "parameters": [*_path_parameters(route, schemas), *_query_parameters(route, schemas)],
        "requestBody": _body(route, schemas),
        "responses": dict(sorted((_answers(route, schemas) | refusals_of(route)).items())),
    }
    return {name: value for name, value in made.items() if value} | {"security": _security(route)}


def tag(route: Route) -> Schema:
    """Name the noun that a route is about: its handler's module."""
    module = route.handler.__module__
    return {"name": module.rpartition(".")[2], "description": "\n\n".join(paragraphs(sys.modules[module].__doc__))}


def _security(route: Route) -> list[Schema]:
    if route.takes_form:
        return [{API_KEY: []}, {}]  # or in the form
    if route.scope is Scope.METRICS:
        return [{METRICS_TOKEN: []}]
    return [] if route.is_public else [{scheme: [route.scope.value]} for scheme in (API_KEY, ACCESS_TOKEN)]


def _who_may(route: Route) -> list[str]:
    if route.is_public:
        return []
    scope = route.scope
    roles = [role for role in Role if scope in ROLE_SCOPES[role]]
    holders = [f"a member or an API key of the project with the role {_listed(roles)}"] if roles else []
    holders += [holder for scopes, holder in _OTHER_HOLDERS if scope in scopes]
    return [f"Needs the scope `{scope}`: {', or '.join(holders)}."]


def _listed(roles: list[Role]) -> str:
    *most, last = [f"`{role}`" for role in roles]
    return f"{', '.join(most)} or {last}" if most else last


def _path_parameters(route: Route, schemas: Schemas) -> Iterator[Schema]:
    for name in route.placeholders:
        schema = schemas.in_request(route.hints[name])
        text = {"description": f"The id of the {name[:-3].replace('_', ' ')}."} if name.endswith("_id") else {}
        if name == "project_id":
            schema = {"anyOf": [schema, {"type": "string", "const": CURRENT_PROJECT}]}
            text = {"description": f"The id of the project, or `{CURRENT_PROJECT}`: that of the API key which asks."}
        yield {"name": name, "in": "path", "required": True, **text, "schema": schema}


def _query_parameters(route: Route, schemas: Schemas) -> Iterator[Schema]:
    if "query" not in route.hints:
        return
    for field in schemas.parameters(route.hints["query"]):
        schema = dict(field.schema)
        text = {"description": schema.pop("description")} if "description" in schema else {}
        yield {"name": field.name, "in": "query", "required": field.is_required, **text, "schema": schema}


def _body(route: Route, schemas: Schemas) -> Schema:
    if "body" not in route.hints:
        return {}
    model = route.hints["body"]
    if model is Rows:
        (_, *content_types) = get_args(get_type_hints(route.handler, include_extras=True)["body"])
        return {"required": True, "content": {name: {"schema": {"type": "string"}} for name in content_types}}
    if route.takes_form:
        return {"required": True, "content": {FORM: {"schema": schemas.in_form(model)}}}
    return {"required": True, "content": {"application/json": {"schema": schemas.in_request(model)}}}


def _answers(route: Route, schemas: Schemas) -> Schema:
    """Describe the good answers.

    Raises:
        TypeError: the handler answers with other statuses than the route declares.
    """
    answers = dict(_answers_of_handler(route, schemas))
    if route.sends_events:
        answers[str(HTTPStatus.OK.value)]["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    declared = {str(int(status)) for status in route.statuses if status < HTTPStatus.BAD_REQUEST}
    if declared != answers.keys():
        name = f"{route.method} {route.path}"
        raise TypeError(f"{name} declares {sorted(declared)}, but {route.handler.__name__} answers {sorted(answers)}")
    return answers


def _answers_of_handler(route: Route, schemas: Schemas) -> Iterator[tuple[str, Schema]]:
    """Read the handler's return annotation: a model is a 200, `Created` of one a 201, `Accepted` a 202, None a 204."""
    annotation = get_type_hints(route.handler, include_extras=True)["return"]
    for kind in get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else [annotation]:
        match get_origin(kind), get_args(kind):
            case (None, _) if kind is types.NoneType:
                yield str(HTTPStatus.NO_CONTENT.value), {"description": "Done.", "headers": REQUEST_ID}
            case (origin, (document, content_type)) if origin is Annotated and document is Document:
                yield _answer(HTTPStatus.OK, "The document.", content_type, _document_schema(content_type))
            case (origin, (export, *content_types)) if origin is Annotated and export is Export:
                yield _streamed_answer(content_types)
            case (origin, (model,)) if origin is Accepted:
                yield _model_answer(HTTPStatus.ACCEPTED, model, schemas)
            case (origin, (model,)) if origin is Created:
                yield _model_answer(HTTPStatus.CREATED, model, schemas)
            case _:
                yield _model_answer(HTTPStatus.OK, kind, schemas)


def _model_answer(status: HTTPStatus, model: Any, schemas: Schemas) -> tuple[str, Schema]:
    if model is Document or not attrs.has(model_class(model)):
        raise TypeError(f"{model!r} is no answer: return a model, Created[model] or Annotated[Document, content type]")
    text = paragraphs(model_class(model).__doc__)
    return _answer(status, text[0] if text else status.phrase, "application/json", schemas.in_answer(model))


def _answer(status: HTTPStatus, description: str, content_type: str, schema: Schema) -> tuple[str, Schema]:
    return str(status.value), {
        "description": description,
        "headers": REQUEST_ID,
        "content": {content_type.partition(";")[0]: {"schema": schema}},
    }


def _streamed_answer(content_types: Sequence[str]) -> tuple[str, Schema]:
    content = {name: {"schema": {"type": "string"}} for name in content_types}
    return str(HTTPStatus.OK.value), {"description": "The rows.", "headers": REQUEST_ID, "content": content}


def _document_schema(content_type: str) -> Schema:
    return {"type": "object"} if content_type == "application/json" else {"type": "string"}
