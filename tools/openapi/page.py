"""The OpenAPI document as one page for people: no script, nothing fetched, readable without styles."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from functools import partial
from html import escape
from http import HTTPStatus
from itertools import starmap
from pathlib import Path
from typing import Any

import attrs

from firmtrail_server.http.forms import FORM
from firmtrail_server.http.rows import CSV
from tools.openapi.examples import example
from tools.openapi.markup import blocks, code_block, fields, json_block, kind, prose
from tools.openapi.operations import API_KEY, METRICS_TOKEN
from tools.openapi.schemas import Schema

_STYLE = Path(__file__).with_name("page.css")
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='4' fill='%230b6e69'/%3E%3Cpath d='M3 11h3V8h3V5h4' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
)
#: by the first security scheme of an operation
_CREDENTIALS = {
    API_KEY: """printf 'user = "%s"' "$FIRMTRAIL_API_KEY" |\n""",
    METRICS_TOKEN: """printf 'header = "Authorization: Bearer %s"' "$FIRMTRAIL_METRICS_TOKEN" |\n""",
}


@attrs.frozen(kw_only=True)
class Operation:
    """An operation and where it stands."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def id(self) -> str:
        return self.spec["operationId"]

    @property
    def credential(self) -> str:
        """What gives curl's configuration a credential, in a shell."""
        return _CREDENTIALS[next(iter(self.spec["security"][0]))] if self.spec["security"] else ""


def page(document: dict[str, Any]) -> str:
    """Write the page for an OpenAPI document of ours."""
    info, style = document["info"], _STYLE.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = escape(f"{info['title']} API {info['version']}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="icon" href="{_ICON}"><style>{style}</style></head><body>'
        f'<a class="skip" href="#content">Skip to content</a>{_navigation(document)}'
        f'<main id="content">{_introduction(document)}'
        f"{''.join(_tag(tag, document) for tag in document['tags'])}{_refusals(document)}{_schemas(document)}"
        "</main></body></html>\n"
    )


def _operations(document: dict[str, Any], tag: str) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, spec in methods.items():
            if tag in spec["tags"]:
                yield Operation(method=method.upper(), path=path, spec=spec)


def _navigation(document: dict[str, Any]) -> str:
    groups = [_navigation_group(tag["name"], document) for tag in document["tags"]]
    names = "".join(
        f'<li><a href="#schema-{escape(name)}">{escape(name)}</a></li>' for name in document["components"]["schemas"]
    )
    return (
        f'<nav aria-label="Contents"><a class="brand" href="#content">{escape(document["info"]["title"])} '
        f'<span>{escape(document["info"]["version"])}</span></a><div class="groups">{"".join(groups)}'
        '<div><a class="group" href="#errors">Errors</a></div>'
        f'<details><summary><a class="group" href="#schemas">Schemas</a></summary><ul>{names}</ul></details>'
        "</div></nav>"
    )


def _navigation_group(tag: str, document: dict[str, Any]) -> str:
    entries = "".join(_navigation_entry(one) for one in _operations(document, tag))
    title = f'<a class="group" href="#tag-{escape(tag)}">{escape(tag.capitalize())}</a>'
    return f"<div>{title}<ul>{entries}</ul></div>"


def _navigation_entry(one: Operation) -> str:
    name = escape(one.id.replace("_", " "))
    return f'<li><a href="#{escape(one.id)}">{_method(one.method)} <span>{name}</span></a></li>'


def _introduction(document: dict[str, Any]) -> str:
    info = document["info"]
    setting = "export FIRMTRAIL_URL=http://127.0.0.1:8080\nexport FIRMTRAIL_API_KEY=KEY_ID:SECRET\nexport DEVICE_ID=..."
    return (
        f"<header><h1>{escape(info['title'])} API <span>{escape(info['version'])}</span></h1>"
        f'<p class="lead">{prose(info["summary"])}</p>{blocks(info["description"])}'
        '<p>For programs, the same as <a href="/openapi.json">openapi.json</a>. The examples below expect:</p>'
        f"{code_block(escape(setting))}</header>"
    )


def _tag(tag: Schema, document: dict[str, Any]) -> str:
    name = escape(tag["name"])
    articles = [_operation(one, document) for one in _operations(document, tag["name"])]
    return (
        f'<section id="tag-{name}" aria-labelledby="heading-tag-{name}">'
        f'<h2 id="heading-tag-{name}">{name.capitalize()}</h2>'
        f"{blocks(tag['description'])}{''.join(articles)}</section>"
    )


def _operation(one: Operation, document: dict[str, Any]) -> str:
    return (
        f'<article id="{escape(one.id)}" aria-labelledby="heading-{escape(one.id)}">'
        f'<h3 id="heading-{escape(one.id)}">{prose(one.spec["summary"])} {_anchor(one.id)}</h3>'
        f'<p class="path">{_method(one.method)} <code>{_path(one.path)}</code></p><div class="columns"><div>'
        f"{blocks(one.spec.get('description', ''))}{_parameters(one, 'path')}{_parameters(one, 'query')}"
        f'{_body(one, document)}<h4>Answers</h4><dl class="answers">{"".join(_answers(one, document))}</dl></div>'
        f'<div class="examples">{_examples(one, document)}</div></div></article>'
    )


def _parameters(one: Operation, place: str) -> str:
    found = [parameter for parameter in one.spec.get("parameters", []) if parameter["in"] == place]
    if not found:
        return ""
    properties = {parameter["name"]: _parameter_schema(parameter) for parameter in found}
    required = [parameter["name"] for parameter in found if parameter["required"]]
    return f"<h4>In the {place}</h4>{fields(properties, required)}"


def _parameter_schema(parameter: Schema) -> Schema:
    return parameter["schema"] | {key: text for key, text in parameter.items() if key == "description"}


def _body(one: Operation, document: dict[str, Any]) -> str:
    if "requestBody" not in one.spec:
        return ""
    content = one.spec["requestBody"]["content"]
    if CSV in content:
        return f"<h4>Body</h4><p>{' or '.join(f'<code>{escape(name)}</code>' for name in content)}</p>"
    ((content_type, content),) = content.items()
    model = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    title = "Form" if content_type == FORM else "Body"
    return f"<h4>{title} {kind(content['schema'])}</h4>{fields(model['properties'], model['required'])}"


def _answers(one: Operation, document: dict[str, Any]) -> Iterator[str]:
    for status, answer in one.spec["responses"].items():
        if "$ref" in answer:
            name = answer["$ref"].rpartition("/")[2]
            text = prose(document["components"]["responses"][name]["description"])
            yield f'<div><dt class="refused"><a href="#problem-{name}">{_status(status)}</a></dt><dd>{text}</dd></div>'
        elif "content" not in answer:
            yield f"<div><dt>{_status(status)}</dt><dd>{prose(answer['description'])}</dd></div>"
        else:
            shown = " or ".join(starmap(_shown, answer["content"].items()))
            yield f"<div><dt>{_status(status)}</dt><dd>{prose(answer['description'])} {shown}</dd></div>"


def _shown(content_type: str, content: Schema) -> str:
    return kind(content["schema"]) if "$ref" in content["schema"] else f"<code>{escape(content_type)}</code>"


def _examples(one: Operation, document: dict[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    made = partial(example, components=schemas)
    return f"<h4>Example</h4>{code_block(escape(curl(one, schemas), quote=False))}{_answer_example(one, made)}"


def curl(one: Operation, schemas: dict[str, Schema]) -> str:
    """Write the call as a command for a shell. The secret does not become an argument: those are for all to see."""
    options: list[str] = []
    if one.credential:
        options.append("--config -")
    if "requestBody" in one.spec:
        options += _body_options(one, schemas)
    elif one.method != "GET":
        options.append(f"--request {one.method}")
    placed = re.sub(r"{(\w+)}", lambda match: f"${match[1].upper()}", one.path)
    separator = " \\\n  " if options else " "
    return f'{one.credential}{" ".join(["curl", *options])}{separator}"$FIRMTRAIL_URL{placed}"'


def _body_options(one: Operation, schemas: dict[str, Schema]) -> Iterator[str]:
    """Give a whole body; of a form what it must have."""
    if CSV in one.spec["requestBody"]["content"]:
        yield f"--header 'Content-Type: {CSV}' --data-binary @devices.csv"
        return
    ((content_type, content),) = one.spec["requestBody"]["content"].items()
    body = example(content["schema"], schemas)
    if content_type == FORM:
        required = schemas[content["schema"]["$ref"].rpartition("/")[2]]["required"]
        yield from (f"--data-urlencode {shlex.quote(f'{name}={body[name]}')}" for name in required)
    else:
        yield f"--json {shlex.quote(json.dumps(body, indent=2, ensure_ascii=False))}"


def _answer_example(one: Operation, made: Any) -> str:
    """Show the answer to a call that did something: of a 200 and a 201 the 201."""
    status, answer = max(
        (item for item in one.spec["responses"].items() if "$ref" not in item[1]), key=lambda it: it[0]
    )
    for content in answer.get("content", {}).values():
        if "$ref" in content["schema"]:
            return f'<p class="caption">{_status(status)}</p>{json_block(made(content["schema"]))}'
    return ""


def _refusals(document: dict[str, Any]) -> str:
    articles = [_refusal(name, answer) for name, answer in document["components"]["responses"].items()]
    return (
        '<section id="errors" aria-labelledby="heading-errors"><h2 id="heading-errors">Errors</h2>'
        "<p>Every refusal is <code>application/problem+json</code>: a "
        f"{kind({'$ref': '/Problem'})} with one of these codes. Only the token endpoint answers with an "
        f"{kind({'$ref': '/OAuthRefusal'})}.</p>{''.join(articles)}</section>"
    )


def _refusal(name: str, answer: Schema) -> str:
    content = next(iter(answer["content"].values()))
    problem = content["example"]
    status = f'<span class="kind">{_status(str(problem["status"]))}</span>' if "status" in problem else ""
    headers = ", ".join(f"<code>{escape(header)}</code>" for header in answer["headers"])
    return (
        f'<article id="problem-{name}"><h3><code>{name}</code> {status} {_anchor(f"problem-{name}")}</h3>'
        f'<div class="columns"><div><p>{prose(answer["description"])}</p><p class="limits">Headers: {headers}</p></div>'
        f'<div class="examples">{json_block(problem)}</div></div></article>'
    )


def _schemas(document: dict[str, Any]) -> str:
    articles = [_schema(name, schema) for name, schema in document["components"]["schemas"].items()]
    return (
        '<section id="schemas" aria-labelledby="heading-schemas"><h2 id="heading-schemas">Schemas</h2>'
        f"{''.join(articles)}</section>"
    )


def _schema(name: str, schema: Schema) -> str:
    heading = f"<h3>{escape(name)} {_anchor(f'schema-{name}')}</h3>"
    if "enum" in schema:
        values = " ".join(f"<code>{escape(value)}</code>" for value in schema["enum"])
        shown = f'<p class="values">One of {values}</p>'
    else:
        is_answer = schema.get("additionalProperties", True)  # the server sends every field: no need to say it of each
        shown = fields(schema["properties"], None if is_answer else schema["required"])
    return f'<article id="schema-{escape(name)}">{heading}{blocks(schema.get("description", ""))}{shown}</article>'


def _method(method: str) -> str:
    return f'<span class="method {method.lower()}">{escape(method)}</span>'


def _path(path: str) -> str:
    return re.sub(r"({\w+})", r"<var>\1</var>", escape(path).replace("/", "/<wbr>"))


def _anchor(identifier: str) -> str:
    return f'<a class="anchor" href="#{escape(identifier)}" aria-label="Link to this section">#</a>'


def _status(status: str) -> str:
    return f"<strong>{status}</strong> {HTTPStatus(int(status)).phrase}"
