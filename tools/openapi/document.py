"""The OpenAPI 3.1 document, made from the routes, their handlers' docstrings and the models.

Its schemas are in schemas.py, its operations in operations.py; page.py shows it to people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from firmtrail_server.auth.permissions import SCOPE_MEANINGS
from firmtrail_server.http.responses import REQUEST_ID_HEADER
from firmtrail_server.http.route import Route
from tools.openapi.operations import ACCESS_TOKEN, API_KEY, METRICS_TOKEN, operation, tag
from tools.openapi.refusals import HEADERS, all_refusals
from tools.openapi.schemas import Schemas

_DESCRIPTION = f"""\
Devices report the firmware version they run; the server keeps what ran when.

Send the id and the secret of an API key with HTTP Basic authentication, or an access token that `/v1/oauth/token` gave
for them. Bodies are JSON in UTF-8, as it is or compressed with `Content-Encoding: gzip` or `deflate`; moments are
RFC 3339 date-times with an offset, and come back in UTC.

A refusal is an RFC 9457 problem document with a stable `code`; that of the token endpoint is an RFC 6749 error. Every
answer carries `{REQUEST_ID_HEADER}`: the id that
the request gave, or a new one.

A `pattern` names no character beyond U+FFFF, so that every language reads it alike. The server checks more: a text that
must hold a visible character is also refused when it holds only tags, variation selectors or other marks from there.

Lists come in pages: pass `next_page_token` as `page_token` until it is null.

A newer server may add fields to its answers and members to its enumerations; ignore those that you do not know."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Describe all routes.

    Raises:
        TypeError: a route takes or returns something that has no schema.
    """
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    responses = all_refusals(schemas)  # before the schemas are read: it adds some
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Firmtrail",
            "version": "v1",
            "summary": "What every device runs, and what it ran.",
            "description": _unwrapped(_DESCRIPTION),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "tags": [*{one["name"]: one for one in map(tag, routes)}.values()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": responses,
            "headers": HEADERS,
            "securitySchemes": {API_KEY: _basic(), ACCESS_TOKEN: _oauth2(), METRICS_TOKEN: _metrics_token()},
        },
    }


def as_text(routes: Sequence[Route]) -> str:
    """Write the document as it is committed: the same routes always give the same text."""
    return json.dumps(document(routes), indent=2, ensure_ascii=False) + "\n"


def _basic() -> dict[str, str]:
    return {"type": "http", "scheme": "basic", "description": "User name: the key's id. Password: the key's secret."}


def _oauth2() -> dict[str, Any]:
    scopes = {scope.value: meaning for scope, meaning in SCOPE_MEANINGS.items()}
    flow = {"tokenUrl": "/v1/oauth/token", "scopes": scopes}
    return {
        "type": "oauth2",
        "description": "A short-lived access token, sent as `Authorization: Bearer TOKEN`.",
        "flows": {"clientCredentials": flow, "password": flow},
    }


def _metrics_token() -> dict[str, str]:
    return {"type": "http", "scheme": "bearer", "description": "The operator's `FIRMTRAIL_METRICS_TOKEN`."}


def _unwrapped(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
