"""What no schema can say: who asks, what the server has made, moments to come. Loaded by schemathesis."""

from __future__ import annotations

import os
from typing import Any, cast

import schemathesis

from firmtrail_contract.blanks import trimmed
from firmtrail_contract.firmware_changes import MAX_WAIT_SECONDS
from firmtrail_server.auth.permissions import Scope
from firmtrail_server.http.rows import CSV, NDJSON
from firmtrail_server.routes import ROUTES

#: who asks for what; everything else the project's own key does
_HOLDERS = {
    Scope.FIRMWARE_REPORT: "DEVICE",
    Scope.FIRMWARE_REPORT_FOR_DEVICES: "GATEWAY",
    Scope.DEVICES_ENROLL: "ENROLLMENT",
    Scope.SELF: "USER",
    Scope.PROJECT_LEAVE: "USER",
}
_ROUTES = {(route.method, route.path): route for route in ROUTES}
_GOOD_GRANT = {
    "grant_type": "client_credentials",
    "scope": "firmware:read",
    "client_id": os.environ["FUZZ_PROJECT_KEY_ID"],
    "client_secret": os.environ["FUZZ_PROJECT_SECRET"],
}
#: what stands in the place of generated values, by path
_SAID = {
    "/v1/users": {"password": "a password for a user", "invitation": None},
    "/v1/users/confirm": {"password": "a password for a user"},
    "/v1/password_resets/complete": {"new_password": "a password for a user"},
}
_TABLES = {CSV: "name,labels.site\npump 1,oslo\npump 2,\n", NDJSON: '{"name": "pump 3"}\n{"name": "pump 4"}\n'}
#: for as long as a server may be asked to wait, which nobody wants to
_WAITS = {str(seconds) for seconds in range(1, MAX_WAIT_SECONDS + 1)}
_PROJECT = "/v1/projects/{project_id}"
_HISTORY = "/v1/devices/{device_id}/firmware_version"


@schemathesis.auth(refresh_interval=None)  # pyright: ignore[reportUnknownMemberType]  its own annotation is not whole
class Credentials:
    """Lets everything be asked for by somebody who may."""

    def get(self, case: schemathesis.Case[Any], _context: schemathesis.AuthContext) -> str | None:
        route = _ROUTES[case.operation.method.upper(), case.operation.path]
        return None if route.is_public else os.environ[f"FUZZ_AS_{_HOLDERS.get(route.scope, 'PROJECT')}"]

    def set(self, case: schemathesis.Case[Any], header: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = header  # pyright: ignore[reportUnknownMemberType]  the same


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]  its own annotation is not whole
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: Any) -> None:
    """Mend requests that are meant to be good, and those that would take away what the others are about."""
    if case.operation.path == _PROJECT and isinstance((case.query or {}).get("name"), str):
        case.query["name"] = "no project has this name"
    if str((case.query or {}).get("wait_seconds")) in _WAITS:
        case.query["wait_seconds"] = 0
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if "page_token" in (case.query or {}):
        if case.operation.path == _HISTORY and case.query.keys() <= {"page_token", "page_size"}:
            case.query["page_token"] = os.environ["FUZZ_PAGE_TOKEN"]
        else:
            del case.query["page_token"]
    if case.query:
        _mend_query(case.operation.path, case.query)
    case.query = _seen(case.query)
    if case.media_type in _TABLES:
        case.body = _TABLES[case.media_type]
    elif isinstance(case.body, dict):
        case.body = _mended(case.operation.path, _seen(case.body))


def _seen(value: Any) -> Any:
    """Begin invisible texts with a digit: beyond U+FFFF the server refuses more of them than patterns say."""
    if isinstance(value, str):
        return value if not value or trimmed(value) else f"1{value[1:]}"
    if isinstance(value, dict):
        return {name: _seen(one) for name, one in cast("dict[str, Any]", value).items()}
    return [_seen(one) for one in cast("list[Any]", value)] if isinstance(value, list) else value


def _mend_query(path: str, query: dict[str, Any]) -> None:
    """Take out what does not go together, what no schema says, and numbers that the feed has not reached."""
    if path == f"{_PROJECT}/firmware_changes":
        query.pop("after", None)
    if path == f"{_PROJECT}/devices" and query.keys() & {"version", "component"}:
        query.pop("order", None)
    if set(str(query.get("version", ""))) & set("*<>=!,"):  # the filter's grammar is more than a pattern
        query["version"] = ">=1.0,<1.2"
        query.pop("scheme", None)  # of which these bounds may not be
    if path == f"{_PROJECT}/firmware_history":
        query.pop("until", None)
        if "since" in query:
            query["since"] = "2026-05-03"
            query.pop("at", None)
        if str(query.get("resumable")).lower() != "true":
            query.pop("after", None)


def _mended(path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path == "/v1/oauth/token":
        return _GOOD_GRANT
    if path == "/v1/oauth/revoke":
        return {"token": "no token of this server"}
    if body.get("hardware_fingerprint"):  # most generated ones are a maker's filler
        body = body | {"hardware_fingerprint": f"SN-{hash(str(body)):x}"}
    if body.get("url"):  # most generated ones name no host
        body = body | {"url": "https://alerts.example.com/"}
    if path.endswith("/replay"):  # the feed has not come farther
        return {"after": 0}
    if path in _SAID:
        return body | _SAID[path]
    return body | {"expires_at": "2099-01-01T00:00:00Z"} if body.get("expires_at") else body
